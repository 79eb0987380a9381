"""The methods by which a model of sequences explains itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted


class Explained:
    """What :class:`genolab.predict.model.SequenceModel` adds to predictions: why, in bases, variants and motifs."""

    def saliency(self, sequences: Any, target: int = 0) -> np.ndarray:
        """The gradient of an output by each base [sequence, position, base]; see :mod:`genolab.predict.attribution`."""
        return self._attribution().saliency(self, self._encoded(sequences), target)

    def input_times_gradient(self, sequences: Any, target: int = 0) -> np.ndarray:
        """The gradient at the base that is there, 0 at the others [sequence, position, base]."""
        return self._attribution().input_times_gradient(self, self._encoded(sequences), target)

    def integrated_gradients(self, sequences: Any, target: int = 0, steps: int = 64) -> np.ndarray:
        """Shares of the output's difference to an all-unknown sequence, which they add up to."""
        return self._attribution().integrated_gradients(self, self._encoded(sequences), target, steps)

    def mutagenesis(self, sequence: str, target: int = 0) -> np.ndarray:
        """How the output changes with each other base at each position [position, base]; 0 at the base itself."""
        return self._attribution().mutagenesis(self, self._encoded([sequence]), target)

    def filters(self, sequences: Any = None, share: float = 0.5) -> Any:
        """What each filter of the first layer looks for: see :func:`genolab.predict.attribution.filter_motifs`."""
        return self._attribution().filter_motifs(self, None if sequences is None else self._encoded(sequences), share)

    def variant_effects(self, variants: Any, reference: Any, target: int = 0, region: Any = None) -> Any:
        """How each variant of a VCF changes the output, as a table; see :mod:`genolab.predict.variant_effects`."""
        from genolab.predict.variant_effects import variant_effects

        check_is_fitted(self, "card_")
        model: Any = self
        return variant_effects(model, variants, reference, target, region)

    def _attribution(self) -> Any:
        from genolab.predict import attribution

        check_is_fitted(self, "card_")
        return attribution

    def _encoded(self, sequences: Any) -> Any:
        raise NotImplementedError
