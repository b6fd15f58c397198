"""What hidden tests of any assignment share; like them, it lies on both sides of a wall.

`observing/` runs beside student code, in the sandbox; `judging/` never does. The engine imports
neither: it asks an assignment's module, which may be made with these.
"""

from pathlib import Path

INSIDE = (Path(__file__), Path(__file__).with_name("observing"))
"""What the sandbox has to see of this package: part of an assignment's own `INSIDE`."""
