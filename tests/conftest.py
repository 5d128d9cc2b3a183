"""What every test may use: the Hypothesis profiles and the folder of published data."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

SHARED_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of published data sets, or skip where it does not stand beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the published data sets do not stand beside this checkout (../shared/data)")
    return SHARED_DATA.resolve()
