# SPDX-License-Identifier: Apache-2.0
"""There is no state file: wherever `create` is killed, the same command finishes the work."""

import time

import pytest

from test_create import require_whole

POINTS = 20
CREATE = ("create", "--ephemeral")


@pytest.fixture(scope="module")
def usual_time(bed):
    """How long an undisturbed run takes here and now."""
    from conftest import fresh_namespace

    namespace = fresh_namespace(bed)
    start = time.monotonic()
    namespace.plugin(*CREATE).require()
    took = time.monotonic() - start
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")
    return took


@pytest.mark.parametrize("point", range(POINTS))
def test_create_killed_at_any_point_is_finished_by_the_same_command(namespace, usual_time, point):
    first = namespace.start_plugin(*CREATE)
    time.sleep(usual_time * (point + 0.5) / POINTS)
    first.kill()
    first.communicate()
    again = namespace.plugin(*CREATE)
    assert again.exit == 0, str(again)
    require_whole(namespace, 3, 1)
