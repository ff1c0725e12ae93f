"""One accepted dial: the line of the rings file that it is, and the call that it is at an instant.

A call is a function of its line and of the time, so calls go on while no process runs. Instants are epoch
seconds as floats; the stretches of a fate are simulated seconds, `scale` of which pass in a real one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from dialer.model import JSON
from dialer.simulator.habits import Fate

CANARY = "canary-access-token-"
"""How every `access_token` begins: a text that must turn up nowhere in what a client keeps."""

DEFAULT_AGENT = "5f0000000000000000000001"

_TURNS = (
    {"role": "agent", "content": "Hello, this is the assistant calling. Do you have a moment?"},
    {"role": "user", "content": "Yes, what is it about?"},
    {"role": "agent", "content": "I am calling about your appointment. Does the time still suit you?"},
    {"role": "user", "content": "Let me look. Yes, that works."},
    {"role": "agent", "content": "Good. Is there anything that you would like to change?"},
    {"role": "user", "content": "No, that is all, thank you."},
)
_MACHINE_TURNS = (
    {"role": "user", "content": "You have reached the voice mail. Please leave a message after the tone."},
    {"role": "agent", "content": "Hello, this is the assistant. I will try again another time."},
)
_LONGEST_TALK = (_TURNS * 4)[:20]
_SECONDS_A_TURN = 8.0


@dataclass(frozen=True, slots=True)
class Ring:
    """An accepted dial. `nth` counts the rings of this number from 1; 0: turned away, the account was full."""

    at: float
    platform_id: str
    call_id: str | None
    to_number: str
    from_number: str
    agent: str | None
    metadata: Mapping[str, str] | None
    data: Mapping[str, JSON] | None
    nth: int
    fate: Fate
    scale: float

    @property
    def rang(self) -> bool:
        """Whether the person's number was dialled at all."""
        return self.fate.rang

    @property
    def reason(self) -> str:
        """The finish reason that this call has, once it is over."""
        return self.fate.reason

    @property
    def started_at(self) -> float | None:
        """When the number is dialled; None for a call that never gets so far."""
        return self.at + self.fate.setup / self.scale if self.fate.rang else None

    @property
    def answered_at(self) -> float | None:
        """When somebody, or a machine, was on the line; None for a call in which nothing was said."""
        return self.at + (self.fate.setup + self.fate.ring) / self.scale if self.fate.talk else None

    @property
    def over_at(self) -> float:
        """When the call is over."""
        return self.at + (self.fate.setup + self.fate.ring + self.fate.talk) / self.scale

    @property
    def turned_away(self) -> bool:
        """The account was full: nobody was rung and no line was held."""
        return self.nth == 0

    @property
    def ai_agent_id(self) -> str:
        """The agent asked for, or the number's own."""
        return self.agent or DEFAULT_AGENT

    def to_line(self) -> str:
        """The ring as a line of JSON, without its newline."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({**plain, "fate": asdict(self.fate), "rang": self.rang}, separators=(",", ":"))

    @classmethod
    def from_line(cls, line: str | bytes) -> Ring:
        """Read a line back; raises ValueError if it is not a whole one."""
        try:
            written = json.loads(line)
            del written["rang"]
            return cls(**{**written, "fate": Fate(**written["fate"])})
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("not a ring") from error


def told(ring: Ring, now: float) -> dict[str, JSON]:
    """The call as the platform tells it at `now`, every field of the contract filled.

    Our `call_id` is not among them: the contract does not name it, so a client must know its call by the
    metadata or by `_id`. `pcs_status` stands for the keys that are added over time.
    """
    over = now >= ring.over_at
    started = ring.started_at
    return {
        "_id": ring.platform_id,
        "ai_agent_id": ring.ai_agent_id,
        "ai_agent_name": f"Agent {ring.ai_agent_id[-4:]}",
        "call_status": _status(ring, now),
        "override_ai_agent_id": ring.agent,
        "metadata": ring.metadata,
        "pia_llm_dynamic_data": ring.data,
        "call_start_time": None if started is None or now < started else instant(started),
        "call_end_time": instant(ring.over_at) if over else None,
        "messages": _messages(ring, now),
        "recorded_call_audio_url": _recording(ring) if over and ring.fate.talk else None,
        "access_token": f"{CANARY}{ring.platform_id}",
        "call_duration_seconds": round(ring.fate.talk) if over and not ring.turned_away else None,
        "call_type": "phone_call",
        "from_number": ring.from_number,
        "to_number": ring.to_number,
        "direction": "outbound",
        "call_finish_reason": ring.reason if over else None,
        "pcs_status": "completed" if over else None,
    }


def platform_id(seed: int, serial: int, at: float) -> str:
    """The platform's own id of its n-th record: 24 hexadecimal digits."""
    return hashlib.blake2b(f"{seed}|{serial}|{at!r}".encode(), digest_size=12).hexdigest()


def instant(epoch: float) -> str:
    """Epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _status(ring: Ring, now: float) -> str:
    if now >= ring.over_at:
        return ring.fate.status
    return "ongoing" if ring.started_at is not None and now >= ring.started_at else "registered"


def _recording(ring: Ring) -> str:
    return f"https://recordings.simulator.invalid/{ring.platform_id}.wav"


def _messages(ring: Ring, now: float) -> list[dict[str, str]] | None:
    """What has been said so far; None while nobody has answered."""
    left = max(0.0, ring.over_at - now) * ring.scale
    if not ring.fate.talk or left > ring.fate.talk:
        return None
    turns = _turns(ring)
    said = len(turns) if left == 0 else int(len(turns) * (1 - left / ring.fate.talk))
    return list(turns[:said])


def _turns(ring: Ring) -> Sequence[dict[str, str]]:
    if ring.reason in ("voicemail_detected", "answering_machine_detected"):
        return _MACHINE_TURNS
    return _LONGEST_TALK[: 2 + int(ring.fate.talk / _SECONDS_A_TURN)]
