"""How pages look: on light and dark screens, on paper, and within a notebook."""

STYLE = """
.tally { --ink: #1b1f24; --soft: #5d6673; --rule: #d6dae1; --back: #fff; --ok: #0a7a2f; --warn: #8a5a00;
  --fail: #c0182b; --line: #2458b3; --fill: #9db9e8; --band: #8885;
  color: var(--ink); background: var(--back); font: 15px/1.5 system-ui, sans-serif; }
.tally h1 { font-size: 1.6em; line-height: 1.25; margin: 0 0 .5em; overflow-wrap: anywhere; }
.tally h2 { font-size: 1.15em; margin: 2em 0 .5em; }
.tally p { margin: .3em 0; max-width: 48em; overflow-wrap: anywhere; }
.tally .strong { font-weight: 650; } .tally .ok { color: var(--ok); } .tally .warn { color: var(--warn); }
.tally .fail { color: var(--fail); font-weight: 650; } .tally .dim { color: var(--soft); }
.tally code { font-size: .9em; overflow-wrap: anywhere; }
.tally .wide { overflow-x: auto; margin: .6em 0; }
.tally table { border-collapse: collapse; font-size: .93em; color: inherit; background: none; margin: 0; }
.tally caption { text-align: left; font-weight: 650; padding-bottom: .3em; }
.tally th, .tally td { text-align: left; vertical-align: top; padding: .22em 1.1em .22em 0; font-weight: inherit;
  border: 0; border-bottom: 1px solid var(--rule); background: none; white-space: normal; max-width: 44em; }
.tally thead th { color: var(--soft); white-space: nowrap; }
.tally tfoot th, .tally tfoot td { font-weight: 650; border-bottom: 0; }
.tally .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tally .k { white-space: nowrap; }
.tally .bar { display: inline-block; height: .8em; background: var(--warn); opacity: .75; }
.tally dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15em 1.4em; margin: .5em 0; }
.tally dt { color: var(--soft); } .tally dd { margin: 0; overflow-wrap: anywhere; }
.tally figure { margin: 1.2em 0; max-width: 46em; } .tally figcaption { font-weight: 650; }
.tally figcaption p { font-weight: 400; color: var(--soft); font-size: .93em; }
.tally svg { display: block; width: 100%; height: auto; margin: .4em 0; overflow: visible; }
.tally svg text { font: 11px system-ui, sans-serif; fill: var(--soft); stroke: var(--back); stroke-width: 3px;
  paint-order: stroke; }
.tally .axis, .tally .grid { stroke: var(--rule); fill: none; } .tally .axis { stroke: var(--soft); }
.tally .band { fill: var(--band); }
.tally .mark { stroke: var(--soft); stroke-dasharray: 5 4; fill: none; }
.tally .s-line { stroke-width: 1.6; fill: none; } .tally .s-fill { fill-opacity: .65; }
.tally .key { display: inline-block; width: .8em; height: .8em; margin: 0 .4em 0 1em; }
.tally .t-plain { stroke: var(--line); } .tally .f-plain { fill: var(--line); background: var(--line); }
.tally .t-strong { stroke: var(--ink); } .tally .f-strong { fill: var(--ink); background: var(--ink); }
.tally .t-ok { stroke: var(--ok); } .tally .f-ok { fill: var(--ok); background: var(--ok); }
.tally .t-warn { stroke: var(--warn); } .tally .f-warn { fill: var(--warn); background: var(--warn); }
.tally .t-fail { stroke: var(--fail); } .tally .f-fail { fill: var(--fail); background: var(--fail); }
.tally .t-dim { stroke: var(--soft); } .tally .f-dim { fill: var(--soft); background: var(--soft); }
.tally details { color: var(--soft); font-size: .93em; } .tally summary { cursor: pointer; }
@media print { .tally details { display: none; } .tally figure, .tally tr { break-inside: avoid; }
  .tally h2 { break-after: avoid; } .tally .wide { overflow: visible; } }
"""

_DARK = (
    "--ink: #e4e7ec; --soft: #9aa4b2; --rule: #3a414c; --back: #16191e; --ok: #5fce86; --warn: #e0b04c; "
    "--fail: #ff7b84; --line: #86b1ff; --fill: #3d5f9e; --band: #8884;"
)
PAGE = (
    "html { color-scheme: light dark; } body { margin: 0; }\n"
    ".page { box-sizing: border-box; max-width: 70rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; "
    "min-height: 100vh; }\n"
    f"@media screen and (prefers-color-scheme: dark) {{ html {{ background: #16191e; }} .tally {{ {_DARK} }} }}\n"
    "@page { margin: 16mm; } @media print { .page { max-width: none; padding: 0; font-size: 10pt; } }\n"
)
# A notebook has a theme of its own, whatever the machine's is, and a background.
NOTEBOOK = (
    f"[data-jp-theme-light=false] .tally, .vscode-dark .tally, html[theme=dark] .tally {{ {_DARK} }}\n"
    ".tally.cell { background: none; font-size: 14px; }\n"
)
