"""The metrics that exist: a closed set, so that dashboards and alerts can rely on the names.

Names are ``crossdock_<area>_<what>_<unit>``; counters get ``_total`` at the end on the wire. Every
metric has the labels :data:`BASE_LABELS`; ``docs/telemetry.md`` is made from this file.
"""

from __future__ import annotations

from typing import Final

from crossdock.mesh.telemetry.data_definitions import (
    DATA_BYTES,
    DATA_FETCHED,
    DATA_HELD,
    DATA_OBJECTS,
    DATA_REMOVED,
    DATA_SECONDS,
)
from crossdock.mesh.telemetry.definition import Definition

BASE_LABELS: Final = ("mesh", "service", "component")

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES: Final = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)


GATEWAY_ACCEPTED = Definition(
    "crossdock_gateway_accepted_messages",
    "counter",
    "Messages accepted at the door, after their PubAck.",
    ("contract",),
)
GATEWAY_REFUSED = Definition(
    "crossdock_gateway_refused_messages",
    "counter",
    "Messages refused at the door; no contract when they named none that exists.",
    ("contract", "reason"),
)

PUBLISH_SECONDS = Definition(
    "crossdock_publish_duration_seconds",
    "histogram",
    "Time from handing a batch to the bus until its last PubAck.",
    buckets=_SECONDS,
)
PUBLISH_BATCH = Definition(
    "crossdock_publish_batch_messages",
    "histogram",
    "Messages committed together.",
    buckets=_SIZES,
)
PUBLISH_DUPLICATES = Definition(
    "crossdock_publish_duplicate_messages",
    "counter",
    "Messages that the stream held already: published again with the same id.",
)
PUBLISH_FAILURES = Definition(
    "crossdock_publish_failed_messages",
    "counter",
    "Messages without a PubAck, by what the bus told its caller to do.",
    ("instruction",),
)
BROKER_CONNECTED = Definition(
    "crossdock_broker_connected", "gauge", "1 while the broker connection is up, else 0."
)
BROKER_RECONNECTS = Definition(
    "crossdock_broker_reconnects", "counter", "Times that the broker connection came back."
)

ROUTE_IN = Definition(
    "crossdock_route_in_messages", "counter", "Deliveries that the route took from its stream."
)
ROUTE_OUT = Definition(
    "crossdock_route_out_messages",
    "counter",
    "Messages routed to at least one destination: counted once, however many children they have.",
)
ROUTE_FILTERED = Definition(
    "crossdock_route_filtered_messages", "counter", "Messages that no branch wanted."
)
ROUTE_DEAD = Definition(
    "crossdock_route_dead_messages", "counter", "Messages put into the dead-letter stream."
)
ROUTE_RETRIED = Definition(
    "crossdock_route_retried_messages",
    "counter",
    "Deliveries given back to the stream, to come again later.",
)
ROUTE_IN_FLIGHT = Definition(
    "crossdock_route_in_flight_messages", "gauge", "Deliveries in hand, neither acked nor back."
)
ROUTE_SENT = Definition(
    "crossdock_route_sent_messages",
    "counter",
    "Messages published to a destination, after their PubAck.",
    ("destination",),
)
ROUTE_SECONDS = Definition(
    "crossdock_route_hop_duration_seconds",
    "histogram",
    "Time from taking a batch until it is acked.",
    buckets=_SECONDS,
)

ROUTE_GROUPED = Definition(
    "crossdock_route_grouped_messages",
    "counter",
    "Messages that are stored until their group is complete, or their time has come.",
)
GROUPS_OPENED = Definition("crossdock_opened_groups", "counter", "Groups that were opened.")
GROUPS_COMPLETED = Definition(
    "crossdock_completed_groups",
    "counter",
    "Groups that became complete: by their size, a condition, or because their time was up.",
    ("reason",),
)
GROUP_MEMBERS = Definition(
    "crossdock_group_members",
    "histogram",
    "Members of a group that became complete.",
    buckets=_SIZES,
)

PROCESS_BEGAN = Definition(
    "crossdock_process_began_instances", "counter", "Instances of a process that began."
)
PROCESS_ENDED = Definition(
    "crossdock_process_ended_instances",
    "counter",
    "Instances of a process that ended, by the state in which they did.",
    ("state",),
)
PROCESS_STEPS = Definition(
    "crossdock_process_steps",
    "counter",
    "Steps that instances took, by what caused them: `message`, `timeout` or `command`.",
    ("cause",),
)
PROCESS_COMPENSATIONS = Definition(
    "crossdock_process_compensations", "counter", "Commands that were taken back."
)
PROCESS_STUCK = Definition(
    "crossdock_process_stuck_instances",
    "counter",
    "Times that an instance got stuck: a person has to look.",
)
PROCESS_INSTANCES = Definition(
    "crossdock_process_instances",
    "gauge",
    "Instances that there are, by state; `stuck` for those that are; the same in all routers.",
    ("state",),
)

DESTINATION_IN = Definition(
    "crossdock_destination_in_messages", "counter", "Deliveries that the sink took from its stream."
)
DESTINATION_DELIVERED = Definition(
    "crossdock_destination_delivered_messages", "counter", "Messages whose effect is durable."
)
DESTINATION_DUPLICATE = Definition(
    "crossdock_destination_duplicate_messages",
    "counter",
    "Messages that had their effect before: the inbox knew them.",
)
DESTINATION_TESTED = Definition(
    "crossdock_destination_tested_messages",
    "counter",
    "Test messages that could have been delivered, and ended at the sink.",
)
DESTINATION_EXPIRED = Definition(
    "crossdock_destination_expired_messages",
    "counter",
    "Messages left out because their time was over.",
)
DESTINATION_DEAD = Definition(
    "crossdock_destination_dead_messages", "counter", "Messages put into the dead-letter stream."
)
DESTINATION_RETRIED = Definition(
    "crossdock_destination_retried_messages",
    "counter",
    "Deliveries given back to the stream, to come again later.",
)
DESTINATION_IN_FLIGHT = Definition(
    "crossdock_destination_in_flight_messages",
    "gauge",
    "Deliveries in hand, neither acked nor back.",
)
DESTINATION_SECONDS = Definition(
    "crossdock_destination_delivery_duration_seconds",
    "histogram",
    "Time that the system took for a batch.",
    buckets=_SECONDS,
)

SOURCE_RECEIVED = Definition(
    "crossdock_source_received_messages", "counter", "Things that the source received."
)
SOURCE_PUBLISHED = Definition(
    "crossdock_source_published_messages", "counter", "Messages published, after their PubAck."
)
SOURCE_REFUSED = Definition(
    "crossdock_source_refused_messages",
    "counter",
    "Things that broke their contract: put into the dead-letter stream.",
)
SOURCE_RETRIED = Definition(
    "crossdock_source_retried_messages",
    "counter",
    "Things not acknowledged to their system, to be received again.",
)
SOURCE_IN_FLIGHT = Definition(
    "crossdock_source_in_flight_messages", "gauge", "Things in hand, not yet acknowledged."
)

ORDER_ACTIVE = Definition(
    "crossdock_order_active",
    "gauge",
    "1 in the replica that works on a route or destination with an order key, 0 in the others.",
)
ORDER_WAITING = Definition(
    "crossdock_order_waiting_keys",
    "gauge",
    "Keys whose first message has to be tried again; their other messages wait behind it.",
)
ORDER_OLDEST = Definition(
    "crossdock_order_oldest_wait_seconds",
    "gauge",
    "Time since the first of the messages that keys wait for failed for the first time.",
)

COMPONENT_HALTED = Definition(
    "crossdock_component_halted", "gauge", "1 when the component stopped itself, else 0."
)
BREAKER_OPEN = Definition(
    "crossdock_breaker_open", "gauge", "1 while the circuit breaker pauses consumption, else 0."
)
PAUSED = Definition(
    "crossdock_component_paused",
    "gauge",
    "1 while an operator has the component paused or drained, else 0; the same in all replicas.",
)
RATE_LIMIT = Definition(
    "crossdock_rate_limit_messages",
    "gauge",
    "Messages a second that an operator allows all replicas of the component together; 0 when none "
    "has said so.",
)
PENDING = Definition(
    "crossdock_pending_messages",
    "gauge",
    "Lag: messages in the stream that the component has not settled yet; the same in all replicas.",
)
PROJECT_REVISION = Definition(
    "crossdock_project_revision",
    "gauge",
    "Number of the revision that the service runs; 0 when it follows a folder.",
)
PROJECT_PROBLEMS = Definition(
    "crossdock_project_problems",
    "gauge",
    "Problems of the newest project, which is therefore not applied; 0 when it is.",
)
LEDGER_MISSING = Definition(
    "crossdock_ledger_missing_messages",
    "gauge",
    "Messages that the component acknowledged, and of which no record tells what became of them; "
    "the same in all routers.",
)
BUILD_INFO = Definition(
    "crossdock_build_info",
    "gauge",
    "Always 1; the labels say what runs.",
    ("version", "python"),
)

ALL: Final[tuple[Definition, ...]] = (
    GATEWAY_ACCEPTED,
    GATEWAY_REFUSED,
    PUBLISH_SECONDS,
    PUBLISH_BATCH,
    PUBLISH_DUPLICATES,
    PUBLISH_FAILURES,
    BROKER_CONNECTED,
    BROKER_RECONNECTS,
    DATA_HELD,
    DATA_FETCHED,
    DATA_SECONDS,
    DATA_OBJECTS,
    DATA_BYTES,
    DATA_REMOVED,
    ROUTE_IN,
    ROUTE_OUT,
    ROUTE_FILTERED,
    ROUTE_GROUPED,
    ROUTE_DEAD,
    ROUTE_RETRIED,
    ROUTE_IN_FLIGHT,
    ROUTE_SENT,
    ROUTE_SECONDS,
    GROUPS_OPENED,
    GROUPS_COMPLETED,
    GROUP_MEMBERS,
    PROCESS_BEGAN,
    PROCESS_ENDED,
    PROCESS_STEPS,
    PROCESS_COMPENSATIONS,
    PROCESS_STUCK,
    PROCESS_INSTANCES,
    DESTINATION_IN,
    DESTINATION_DELIVERED,
    DESTINATION_DUPLICATE,
    DESTINATION_EXPIRED,
    DESTINATION_TESTED,
    DESTINATION_DEAD,
    DESTINATION_RETRIED,
    DESTINATION_IN_FLIGHT,
    DESTINATION_SECONDS,
    SOURCE_RECEIVED,
    SOURCE_PUBLISHED,
    SOURCE_REFUSED,
    SOURCE_RETRIED,
    SOURCE_IN_FLIGHT,
    ORDER_ACTIVE,
    ORDER_WAITING,
    ORDER_OLDEST,
    COMPONENT_HALTED,
    BREAKER_OPEN,
    PAUSED,
    RATE_LIMIT,
    PENDING,
    PROJECT_REVISION,
    PROJECT_PROBLEMS,
    LEDGER_MISSING,
    BUILD_INFO,
)


def table() -> str:
    """Return the set as a Markdown table, as ``docs/telemetry.md`` shows it."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for each in ALL:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        lines.append(f"| `{each.series}` | {each.kind} | {labels} | {each.help} |")
    return "\n".join(lines)
