"""Acts about one unit's access, each as the entry of the history that it becomes: pure."""

from common.domain.names import UnitCode
from trunkctl.units.history import Act, Decision, Entry, Head, State, following


def access_entry(head: Head, act: Act, unit: UnitCode, decision: Decision) -> Entry:
    """The entry of any act about a unit's access, with the state after it."""
    return following(head, act, decision, _state_after(head.state, act, unit, decision), unit=unit)


def _state_after(state: State, act: Act, unit: UnitCode, decision: Decision) -> State:
    """A unit that is disabled already keeps who did it and why."""
    match act:
        case Act.DISABLED:
            return state.model_copy(update={"disabled": {unit: decision} | state.disabled})
        case Act.ENABLED:
            left = {code: kept for code, kept in state.disabled.items() if code != unit}
            return state.model_copy(update={"disabled": left})
        case _:
            return state
