"""Take up users' trades, and die by SIGKILL at each statement in turn: python kill_trades.py HOME N AT."""

import os
import sys
from datetime import datetime
from pathlib import Path

from sqlalchemy import event

from kill_rollout import deadly
from live_world import Market, live_world
from pawl.jobs.live.watching_positions import watch_positions
from pawl.ledger.database import Ledger


def main() -> None:
    """One run of the position cycle, at the same instant, for each statement up to N; in a fork each."""
    home, at = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[3])
    for number in range(1, int(sys.argv[2]) + 1):
        child = os.fork()
        if child == 0:
            ledger = Ledger.open(home)
            event.listen(ledger.engine, "before_cursor_execute", deadly(number))
            watch_positions(live_world(home, ledger, Market()), at)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(number, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
