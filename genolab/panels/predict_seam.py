"""What the predict panel takes from the panels beside it: called variants, and tables of expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genolab import io
from genolab.errors import InputError
from genolab.panels.predict_source import WHO

if TYPE_CHECKING:
    from genolab.panels.parts import StatusBar
    from genolab.panels.predict_stage import PredictStage
    from genolab.scale import Latest, Progress

_NAMED = 12


class PredictSeam:
    """The panel's side of :mod:`genolab.panels.seam`."""

    stage: PredictStage
    bar: StatusBar
    _explaining: Latest
    takes: tuple[str, ...] = ()
    effects: Any = None
    """What each handed-over variant does to the model's output, a pandas table; None before any."""

    def open_variants(self, calls: Any) -> None:
        """Say what called variants do to the output of the model on screen: the strongest in the notices."""

        def work(progress: Progress) -> None:
            run = self.stage.run
            if run is None or not hasattr(run.model, "card_"):
                raise InputError(WHO, "variants", "a trained model to score them by", "none", "Train one first.")
            progress(None, "scoring variants")
            folder = io.cache_folder() / "training"
            folder.mkdir(parents=True, exist_ok=True)
            path = calls.write(folder / "handed.vcf.gz")
            self.effects = run.model.variant_effects(path, calls.reference_path, self.stage.target.value)
            told = self.effects.reindex(self.effects["effect"].abs().sort_values(ascending=False).index).head(_NAMED)
            lines = [
                f"{row.contig}:{row.position:,} {row.reference}>{row.alternate}: output {row.effect:+.3f}"
                for row in told.itertuples()
            ]
            self.bar.note((f"{len(self.effects):,} alleles, the strongest first:", *lines,
                           *self.effects.attrs["notices"]))  # fmt: skip

        self._explaining.submit(work, name="variants")

    def open_counts(self, table: Any, name: str) -> None:
        """Say where a table of expression is learnt from: this panel's models read sequences and genotypes."""
        self.stage.refusal.warn(
            f"{name[:60]}: {table.shape[1]:,} genes of {table.shape[0]:,} samples. Expression from other genes or from "
            "genotypes is learnt from Python: gl.predict.GeneExpression, gl.predict.CisExpression."
        )
