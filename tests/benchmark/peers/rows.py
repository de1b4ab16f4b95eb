"""Peers and ours in the same run: each figure is ours beside that of one peer that took turns with it.

- time to first event, turn: whole sessions, one of ours and one of the peer's in alternation, over
  connections made before; what a peer's spans is said in its module
- memory: growth of the unique set size of all processes of the server for each session that waits,
  with its stream open where it has one; one that ends meanwhile was of an earlier session, and not counted
- restart: whether a session that waits (of Gradio: a job that runs) goes on after all processes of the
  server were killed and started again
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmark.figures import Figure, Goal, Measure, at_least, at_most, timings
from tests.benchmark.peers.chainlit import CHAINLIT, Chainlit
from tests.benchmark.peers.conversation import Conversation, play
from tests.benchmark.peers.gradio import GRADIO, Gradio, GradioNotice
from tests.benchmark.peers.ours import OURS, Followed, Reopened
from tests.benchmark.peers.server import Peer, PeerServer, processes_of, running
from tests.benchmark.peers.yera_0_4 import YERA_0_4, Yera04
from tests.benchmark.peers.yera_0_10 import YERA_0_10, Yera010
from tests.benchmark.serving import serving
from tests.server import ServerProcess

Converse = Callable[[int], Conversation]
KIB = 1024


@dataclass(frozen=True, slots=True)
class Match:
    """A peer, what of it is timed by name (itself first), and which of our conversations it is held against.

    `first` and `turn`: at most so much of the peer's time is to be ours. `waiting`: for how many sessions
    it is weighed, none if it keeps nothing for one that waits.
    """

    peer: Peer
    theirs: Mapping[str, Converse]
    ours: Converse
    rounds: int
    warm_up: int
    waiting: int
    first: float
    turn: float | None = None


# The slowest at the end.
MATCHES = (
    Match(CHAINLIT, {CHAINLIT.name: Chainlit}, Followed, 200, 20, 200, first=1, turn=1 / 3),
    Match(
        GRADIO,
        {GRADIO.name: Gradio, f"{GRADIO.name}, place in the queue": GradioNotice},
        Reopened,
        rounds=200,
        warm_up=20,
        waiting=0,
        first=1,
    ),
    # It has room for 16.
    Match(YERA_0_10, {YERA_0_10.name: Yera010}, Reopened, 30, 3, 8, first=1 / 50),
    # Few rounds: each of its sessions is a process that imports yera, in ten seconds.
    Match(YERA_0_4, {YERA_0_4.name: Yera04}, Reopened, 5, 1, 2, first=1 / 1000, turn=0.4),
)


def matched(match: Match) -> Iterator[Figure]:
    """Each figure as soon as it is measured."""
    with serving() as ours, running(match.peer) as theirs:
        ports = {
            OURS: (match.ours, ours.port),
            **{name: (each, theirs.port) for name, each in match.theirs.items()},
        }
        played = alternating(ports, match.warm_up, match.rounds)
        peer, converse = next(iter(match.theirs.items()))
        for name in match.theirs:
            yield first_event(played, name, match.first)
        yield turns(played, peer, match)
        if match.waiting:
            yield memory(theirs.process.pid, converse, theirs.port, peer, match.waiting)
        yield restart(theirs, converse, peer)


def alternating(
    ports: Mapping[str, tuple[Converse, int]], warm_up: int, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """The milliseconds to the first output and of the turn, by name, a session of each a round."""
    played: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
    for number in range(warm_up + rounds):
        for name, (converse, port) in ports.items():
            times = play(converse(port))
            if number >= warm_up:
                played[name].append(times)
    return played


def first_event(played: Mapping[str, Sequence[tuple[float, float]]], peer: str, bound: float) -> Figure:
    goals = [at_most(bound, Measure.RATIO, peer)]
    others = {peer: [first for first, _ in played[peer]]}
    return timings(
        "time to first event", f"beside {peer}", [first for first, _ in played[OURS]], goals, others
    )


def turns(played: Mapping[str, Sequence[tuple[float, float]]], peer: str, match: Match) -> Figure:
    row = "turn, follow stream" if match.ours is Followed else "turn, reopened stream"
    goals = [] if match.turn is None else [at_most(match.turn, Measure.RATIO, peer)]
    others = {peer: [turn for _, turn in played[peer]]}
    return timings(row, f"beside {peer}", [turn for _, turn in played[OURS]], goals, others)


def memory(pid: int, converse: Converse, port: int, name: str, sessions: int) -> Figure:
    before = unique_bytes(pid)
    waiting = [waits(converse(port)) for _ in range(sessions)]
    growth = sum(size - before.get(process, 0) for process, size in unique_bytes(pid).items())
    for conversation in waiting:
        conversation.end()
    return Figure("memory, a session that waits", name, "KiB", growth / sessions / KIB)


def waits(conversation: Conversation) -> Conversation:
    conversation.begin()
    conversation.settle()
    return conversation


def unique_bytes(pid: int) -> dict[int, int]:
    """By the id of the process."""
    return {process.pid: int(process.memory_full_info().uss) for process in processes_of(pid)}


def restart(server: PeerServer | ServerProcess, converse: Converse, name: str) -> Figure:
    conversation = converse(server.port)
    conversation.begin()
    conversation.leave()
    server.kill()
    server.start()
    goals: list[Goal] = [at_least(1)] if name == OURS else []
    goes_on = float(conversation.goes_on())
    return Figure("restart, sessions that go on", name, "of 1", goes_on, goals=goals, is_count=bool(goals))


def ours_waiting() -> Iterator[Figure]:
    with serving() as server:
        for _ in range(20):
            play(Followed(server.port))
        yield memory(server.pid, Followed, server.port, OURS, 200)
        yield restart(server, Followed, OURS)
