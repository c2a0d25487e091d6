"""The bus: the one place that touches the broker's client, nats-py under FastStream."""

from crossdock.mesh.bus.bucket import Bucket
from crossdock.mesh.bus.bucket_limits import BucketLimits
from crossdock.mesh.bus.bus import Bus
from crossdock.mesh.bus.claim_checks import ClaimChecks
from crossdock.mesh.bus.committing import Outgoing, Published
from crossdock.mesh.bus.consumer_spec import ConsumerSpec
from crossdock.mesh.bus.consumers import ConsumerState
from crossdock.mesh.bus.incoming import Incoming
from crossdock.mesh.bus.pinning import PinnedPuller, Unsettled
from crossdock.mesh.bus.pulling import Puller
from crossdock.mesh.bus.reading import Stored
from crossdock.mesh.bus.swapping import Swap

__all__ = [
    "Bucket",
    "BucketLimits",
    "Bus",
    "ClaimChecks",
    "ConsumerSpec",
    "ConsumerState",
    "Incoming",
    "Outgoing",
    "PinnedPuller",
    "Published",
    "Puller",
    "Stored",
    "Swap",
    "Unsettled",
]
