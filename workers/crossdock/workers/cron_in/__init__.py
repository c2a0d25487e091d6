"""``cron-in``: a message at each time of a crontab schedule."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.cron_in.settings import CronInSettings
from crossdock.workers.cron_in.source import Clock, CronSource, SystemClock

__all__ = ["Clock", "CronInSettings", "CronSource", "SystemClock", "adapter"]

adapter = Adapter(
    name="cron-in",
    summary="Sends a message at each time of a schedule; any number of replicas sends it once.",
    direction="source",
    settings=CronInSettings,
    make=CronSource,
)
