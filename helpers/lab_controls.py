"""The panel's controls: what one chooses, what stays in the picture, and a challenge to find."""

import html
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from .lab_networks import ACTIVATIONS, DEPTHS, DISTRIBUTIONS, SCALES, Result, Setting, Tried
from .machinery.language import translate
from .machinery.notebook import shell

CHALLENGE_DEPTH = 10
CHALLENGED = ("tanh", "ReLU")
KEEPS = 2.0
"""A signal is kept if it grows and shrinks by no more than this factor, there and back."""

# Names of presets, with the distribution and scale of each; depth and activation stay.
PRESETS = {
    "PyTorch's default": ("uniform", 0.58),
    "general rule, normal": ("normal", 1.0),
    "far too small": ("normal", 0.1),
    "far too large": ("normal", 5.0),
}
ANSWERS = (
    "With ReLU and six layers the signal keeps its size at a scale between 1.2 and 1.7. At 0.25 "
    "it is lost and the loss stays near 2.3 for long; at 5 it explodes and the loss begins in the "
    "thousands or higher. Ten layers leave little room for a wrong scale, because its factor is "
    "multiplied ten times; a single one leaves much. The distribution hardly matters if the "
    "deviation is the same. tanh needs less than ReLU, since it takes no half away. Its values "
    "end at 1, so the signals cannot explode; but where they are near 1 it is flat, and its "
    "gradient near 0."
)
CHALLENGE = (
    "Find the scale at which ten layers with tanh keep their signal, and the one for ten layers "
    "with ReLU. Choose it above, then check. It is not graded."
)


def controls(chosen: Callable[[Setting], Result], tried: Tried) -> Any:
    """Return controls that call `chosen` at every change; None where nobody could use them."""
    if shell() is None or "NBGRADER_EXECUTION" in os.environ:
        return None
    try:
        import ipywidgets
    except ImportError:
        return None
    return _Panel(ipywidgets, chosen, tried).box


class _Panel:
    """The widgets, and what they do to each other."""

    def __init__(self, widgets: Any, chosen: Callable[[Setting], Result], tried: Tried) -> None:
        self.widgets, self.chosen, self.tried = widgets, chosen, tried
        self.fields: dict[str, Any] = {}
        self._quiet = False
        self.working = widgets.HTML()
        self.pin = widgets.ToggleButton(description=translate("pin"), layout={"width": "auto"})
        self.pin.observe(self._pinned, names="value")
        self._add_fields()
        presets = [self._button(translate(name), self._preset(name)) for name in PRESETS]
        self.verdict = widgets.HTML()
        challenge = widgets.VBox(
            [
                widgets.HTML(f"<p>{html.escape(translate(CHALLENGE))}</p>"),
                self._button(translate("check"), self.check),
                self.verdict,
            ]
        )
        answers = widgets.HTML(f"<p>{html.escape(translate(ANSWERS))}</p>")
        folded = widgets.Accordion([challenge, answers], selected_index=None)
        folded.set_title(0, translate("Challenge: ten layers"))
        folded.set_title(1, translate("What you may have found"))
        wrapped = {"flex_flow": "row wrap"}
        self.box = widgets.VBox(
            [
                *self.fields.values(),
                widgets.HBox(presets, layout=wrapped),
                widgets.HBox(
                    [self.pin, self._button(translate("reset"), self.reset), self.working],
                    layout=wrapped,
                ),
                folded,
            ]
        )

    @property
    def setting(self) -> Setting:
        """What is chosen."""
        return Setting(**{name: field.value for name, field in self.fields.items()})

    def check(self) -> None:
        """Say of the setting how far it is from keeping a signal over ten layers."""
        setting = self.setting
        if setting.depth != CHALLENGE_DEPTH or setting.activation not in CHALLENGED:
            told = translate("The challenge is about ten hidden layers, with tanh or with ReLU.")
        else:
            told = how_far(setting, self._try())
        self.verdict.value = f"<p>{html.escape(told)}</p>"

    def reset(self) -> None:
        """Go back to the panel's beginning."""
        self.pin.value = False
        self.tried.clear()
        self._set(Setting())

    def _preset(self, name: str) -> Callable[[], None]:
        distribution, scale = PRESETS[name]
        return lambda: self._set(replace(self.setting, distribution=distribution, scale=scale))

    def _set(self, setting: Setting) -> None:
        """Choose a setting: several fields, one picture."""
        self._quiet = True
        for name, field in self.fields.items():
            field.value = getattr(setting, name)
        self._quiet = False
        self._changed()

    def _pinned(self, change: Any) -> None:
        self.tried.pin(self.setting if change["new"] else None)
        what = f"{translate('pinned: ')}{self.setting}" if change["new"] else translate("pin")
        self.pin.description = what

    def _changed(self, _change: object = None) -> None:
        if not self._quiet:
            self._try()

    def _try(self) -> Result:
        self.working.value = f"<i>{translate('computing …')}</i>"
        try:
            return self.chosen(self.setting)
        finally:
            self.working.value = ""

    def _button(self, description: str, pressed: Callable[[], None]) -> Any:
        button = self.widgets.Button(description=description, layout={"width": "auto"})
        button.on_click(lambda _button: pressed())
        return button

    def _add_fields(self) -> None:
        def add(name: str, kind: Any, description: str, **more: Any) -> None:
            self.fields[name] = kind(
                description=description,
                value=getattr(Setting(), name),
                style={"description_width": "13em"},
                # Twelve scales need a track on which each can be hit.
                layout={"width": "44em", "max_width": "100%"},
                **more,
            )
            self.fields[name].observe(self._changed, names="value")

        def texts(names: Iterable[str]) -> list[tuple[str, str]]:
            return [(translate(name), name) for name in names]

        # A slider answers when it is let go.
        slider = {"continuous_update": False}
        widgets, scales = self.widgets, [(f"{scale:g}", scale) for scale in SCALES]
        distribution = translate("distribution")
        add("distribution", widgets.Dropdown, distribution, options=texts(DISTRIBUTIONS))
        scale = translate("scale, times 1/√n")
        add("scale", widgets.SelectionSlider, scale, options=scales, **slider)
        depth = translate("hidden layers")
        add("depth", widgets.IntSlider, depth, min=DEPTHS[0], max=DEPTHS[-1], **slider)
        add("activation", widgets.Dropdown, translate("activation"), options=texts(ACTIVATIONS))


def how_far(setting: Setting, result: Result) -> str:
    """Say by what factors signal and gradient change over the hidden layers."""
    hidden = result.signals[:-1]
    there = hidden[-1].deviation / hidden[0].deviation
    back = hidden[0].gradient_deviation / hidden[-1].gradient_deviation
    figures = translate(
        "From the first to the tenth layer the deviation of z is multiplied by {there:.2g}, and "
        "that of the gradient, on its way back, by {back:.2g}.",
        there=there,
        back=back,
    )
    if all(1 / KEEPS <= factor <= KEEPS for factor in (there, back)):
        verdict = translate(
            "Found: {activation} keeps its signal at the scale {scale:g}.",
            activation=setting.activation,
            scale=setting.scale,
        )
    elif max(there, back) > KEEPS:
        verdict = translate("Something grows: the scale is too large.")
    else:
        verdict = translate("Something is lost: the scale is too small.")
    return f"{figures} {verdict}"
