"""What the scripted model says in these tests, besides the built-in scenarios."""

from __future__ import annotations

from browserwatch.demo import Scenario, Step, builtin_scenarios

DONE = Step(actions=({"done": {"text": "That was it.", "success": True}},))


def _visits(*urls: str) -> tuple[Step, ...]:
    return tuple(Step(actions=({"navigate": {"url": url}},)) for url in urls)


SCENARIOS = (
    *builtin_scenarios(),
    Scenario(name="forbidden", steps=(*_visits("file:///etc/hostname", "chrome://version/", "data:text/html,x"), DONE)),
    Scenario(
        name="private",
        steps=(
            *_visits("http://10.0.0.1/"),
            Step(actions=({"done": {"text": "It is not reachable.", "success": False}},)),
        ),
    ),
    Scenario(name="slow", steps=(*_visits("{site}/account"), Step(actions=({"wait": {"seconds": 30}},)), DONE)),
    Scenario(
        name="leaves-files",
        steps=(
            *_visits("{site}/"),
            Step(actions=({"write_file": {"file_name": "notes.md", "content": "notes"}},)),
            Step(actions=({"navigate": {"url": "{site}/download"}},)),
            Step(actions=({"navigate": {"url": "{site}/table", "new_tab": True}},)),
            DONE,
        ),
    ),
    Scenario(
        name="structured",
        steps=(Step(actions=({"done": {"success": True, "data": {"name": "Chisel", "price": 9.9}}},)),),
    ),
)
