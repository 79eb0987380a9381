"""Layers: the loop computes the definition, gradients are the slopes, losses and steps equal their formulas."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.kernel.backends import mode_of, without_ufunc
from genolab.predict.bases import encode
from genolab.predict.network import layers, losses
from genolab.predict.network.convolution import base_convolution, soft_convolution, unfold
from genolab.predict.network.layers import Context, Shape, Signal
from genolab.predict.network.net import Network, make_network
from genolab.predict.network.normal import batch_norm
from genolab.predict.network.optimizers import SCHEDULES, adam
from genolab.predict.network.recurrent import Lstm, lstm
from genolab.predict.training import Examples, Plan, Trainer

few = settings(max_examples=15, deadline=None)
FAST = mode_of("numpy")


def slopes(function, *values, seed=0):
    """PyTensor's own check of a gradient against differences, in double precision."""
    pytensor.gradient.verify_grad(
        function, [np.asarray(value, float) for value in values], rng=np.random.default_rng(seed), mode=FAST
    )


def naive_convolution(codes, length, weight, bias, pool):
    width, filters = weight.shape[0], weight.shape[2]
    windows = 1 if pool == 0 else (codes.shape[1] - width + 1) // pool
    out = np.zeros((len(codes), windows, filters))
    for b in range(len(codes)):
        for q in range(windows):
            inside = range(q * pool, (q + 1) * pool) if pool else range(codes.shape[1] - width + 1)
            for p in (p for p in inside if p + width <= length[b]):
                value = bias.astype(float).copy()
                for k in range(width):
                    if codes[b, p + k] < 4:
                        value += weight[k, codes[b, p + k]]
                out[b, q] = np.maximum(out[b, q], value)
    return out


@few
@given(st.integers(1, 8), st.sampled_from([0, 1, 2, 5]), st.integers(0, 2**32 - 1))
def test_base_convolution_is_the_greatest_sum_of_weights(width, pool, seed):
    rng = np.random.default_rng(seed)
    codes, length = rng.integers(0, 5, (3, 14)).astype(np.int8), rng.integers(0, 15, 3)
    weight, bias = rng.normal(size=(width, 4, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    found = base_convolution(codes, length, weight, bias, pool=pool)
    np.testing.assert_allclose(found.activation, naive_convolution(codes, length, weight, bias, pool), atol=1e-5)
    assert ((found.place >= 0) == (found.activation > 0)).all()


@pytest.fixture
def scanned():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 5, (4, 21)).astype(np.int8)
    return codes, np.array([21, 18, 9, 3]), rng.normal(size=(7, 4, 5)), rng.normal(size=5)


@pytest.mark.parametrize("pool", [1, 4, 0])
def test_gradient_of_base_convolution(scanned, pool):
    codes, length, weight, bias = scanned
    double = base_convolution.at(np.float64).with_static(pool=pool)
    slopes(lambda w, b: double.expr(codes, length, w, b).activation, weight, bias)
    slopes(lambda w, b: double.definition.expr(codes, length, w, b).activation, weight, bias)
    found, defined = double(codes, length, weight, bias), double.definition(codes, length, weight, bias)
    np.testing.assert_allclose(found.activation, defined.activation, atol=1e-12)
    assert (found.place == defined.place).all()


def test_shares_of_bases_are_convolved_like_bases(scanned):
    codes, length, weight, bias = scanned
    bases = np.eye(5)[codes][:, :, :4]
    soft = soft_convolution(*(pt.as_tensor(value) for value in (bases, length, weight, bias)), 4)[0]
    expected = base_convolution.at(np.float64)(codes, length, weight, bias, pool=4).activation
    np.testing.assert_allclose(soft.eval(mode=FAST), expected, atol=1e-12)
    full = pt.as_tensor(np.full(4, 21))
    slopes(lambda x: soft_convolution(x, full, pt.as_tensor(weight), pt.as_tensor(bias), 4)[0], bases + 0.01)


@pytest.mark.parametrize(("width", "dilation"), [(1, 1), (3, 1), (4, 2), (3, 8)])
def test_unfolding(width, dilation):
    value = np.random.default_rng(0).normal(size=(2, 9, 3))
    double = unfold.at(np.float64).with_static(width=width, dilation=dilation)
    assert (double(value).column == double.definition(value).column).all()
    slopes(lambda x: double.expr(x).column, value)


def test_batch_norm_by_hand_and_its_gradient():
    rng = np.random.default_rng(0)
    value, inside = rng.normal(2, 3, (9, 4)), np.array([1, 1, 0, 1, 1, 1, 0, 1, 1.0])
    scale, shift = rng.normal(size=4), rng.normal(size=4)
    double = batch_norm.at(np.float64)
    used = value[inside > 0]
    expected = (value - used.mean(axis=0)) / np.sqrt(used.var(axis=0) + 1e-5) * scale + shift
    np.testing.assert_allclose(double(value, inside, scale, shift).normed, expected)
    np.testing.assert_allclose(double.definition(value, inside, scale, shift).normed, expected)
    slopes(lambda x, a, b: double.expr(x, inside, a, b).normed, value, scale, shift)


def test_long_short_term_memory_one_step_at_a_time():
    rng = np.random.default_rng(0)
    drive, recurrent = rng.normal(size=(3, 5, 8)), rng.normal(size=(2, 8))
    inside = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 1, 1, 1.0]])
    double = lstm.at(np.float64)
    found = double(drive, recurrent, inside).hidden

    def sigma(x):
        return 1 / (1 + np.exp(-x))

    for b in range(3):
        hidden, cell = np.zeros(2), np.zeros(2)
        for t in range(5):
            if inside[b, t]:
                i, f, g, o = np.split(drive[b, t] + hidden @ recurrent, 4)
                cell = sigma(f) * cell + sigma(i) * np.tanh(g)
                hidden = sigma(o) * np.tanh(cell)
            np.testing.assert_allclose(found[b, t], hidden)
    slopes(lambda x, u: double.expr(x, u, inside).hidden, drive, recurrent)
    with pytensor.config.change_flags(cxx=""):  # the steps of a scan would be compiled in C
        defined = double.definition(drive, recurrent, inside)
    np.testing.assert_allclose(defined.hidden, found)


def through(layer, value, length=None, training=False, seed=0):
    """A layer on double precision numbers, as a function of them and of its parameters."""
    flat = value.ndim == 2
    shape = Shape(value.shape[-1], None if flat else value.shape[1], flat)
    own = {name: held.astype(float) for name, held in layer.initial(shape, np.random.default_rng(seed)).items()}
    positions = 1 if flat else value.shape[1]

    def build(x, *held):
        signal = Signal(x, shape, len(value), positions, None if length is None else pt.as_tensor(length))
        given_parameters = dict(zip(own, held, strict=True))
        return layer.build(signal, given_parameters, Context(training=training), "layer").value

    return build, list(own.values())


LAYERS = [
    layers.Convolution(3, 3, 2), layers.Relu(), layers.Pool("max", 2), layers.Pool("average"), layers.Pool("max"),
    layers.Pool("attention"), layers.Pool("average", 3), layers.Dense(4), layers.BatchNorm(), layers.LayerNorm(),
    layers.Flatten(), layers.Residual((layers.LayerNorm(), layers.Convolution(2, 3))), Lstm(2),
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("length", [None, np.array([6, 4, 3])], ids=["all", "masked"])
def test_gradient_of_every_layer(layer, length):
    value = np.random.default_rng(1).normal(size=(3, 6, 2)) + 0.05
    build, own = through(layer, value, length, training=True)
    slopes(build, value, *own)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_what_lies_behind_the_end_changes_nothing(layer):
    value = np.random.default_rng(1).normal(size=(3, 6, 2))
    other, length = value.copy(), np.array([6, 4, 3])
    for row, end in enumerate(length):
        other[row, end:] = 9
    results = []
    for held in (value, other):
        build, own = through(layer, held, length, training=True)
        out = build(pt.as_tensor(held), *(pt.as_tensor(each) for each in own)).eval(mode=FAST)
        positions = 6 if not isinstance(layer, layers.Pool) else out.shape[1] if out.ndim == 3 else 0
        if out.ndim == 3:
            size = 6 // positions
            out = np.where(np.arange(positions)[None, :, None] < (length // size)[:, None, None], out, 0)
        results.append(out)
    if not isinstance(layer, layers.Flatten):  # which takes sequences of one length only
        np.testing.assert_allclose(*results, atol=1e-12)


def test_dropout_drops_its_share_and_keeps_the_mean():
    value = np.ones((200, 50))
    signal = Signal(pt.as_tensor(value.astype(np.float32)), Shape(50, None, True), 200, 1)
    context = Context(training=True)
    out = layers.Dropout(0.25).build(signal, {}, context, "d").value
    noise = np.random.default_rng(0).random(value.shape, dtype=np.float32)
    found = out.eval({context.noise[0]: noise}, mode=FAST)
    assert abs((found == 0).mean() - 0.25) < 0.02
    assert abs(found.mean() - 1) < 0.03
    assert layers.Dropout(0.25).build(signal, {}, Context(), "d") is signal


@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_losses_by_their_formulas_and_gradients(name):
    rng = np.random.default_rng(0)
    output, weight = rng.normal(size=(7, 2)), rng.random(7) + 0.5
    target = rng.integers(0, 2, (7, 2)).astype(float)
    if name == "multiclass":
        target = np.eye(2)[rng.integers(0, 2, 7)]
        each = np.log(np.exp(output).sum(axis=1)) - (target * output).sum(axis=1)
    elif name == "binary":
        p = 1 / (1 + np.exp(-output))
        each = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean(axis=1)
    elif name == "squared":
        each = ((output - target) ** 2).mean(axis=1) / 2
    elif name == "poisson":
        each = (np.exp(output) - target * output).mean(axis=1)
    elif name == "negative_binomial":
        from scipy.stats import nbinom

        target, size = rng.integers(0, 9, (7, 1)).astype(float), np.exp(-output[:, 1])
        constant = [np.sum(np.log(np.arange(1, y + 1))) for y in target[:, 0]]
        each = -nbinom.logpmf(target[:, 0], size, size / (size + np.exp(output[:, 0]))) - constant
    else:
        time = np.array([3, 1, 4, 1, 5, 9, 2.0])
        target = np.column_stack([time, rng.integers(0, 2, 7)])
        target[0, 1] = 1
        risk = output[:, 0]
        event = target[:, 1] * weight
        terms = [event[i] * (np.log(np.exp(risk[time >= time[i]]).sum()) - risk[i]) for i in range(7)]
        expected = sum(terms) / max(event.sum(), 1)
    if name != "cox":
        expected = (each * weight).sum() / weight.sum()
    loss = losses.LOSSES[name]
    given_target, given_weight = pt.as_tensor(target), pt.as_tensor(weight)
    assert loss(pt.as_tensor(output), given_target, given_weight).eval(mode=FAST) == pytest.approx(expected)
    slopes(lambda z: loss(z, given_target, given_weight), output)
    steep = loss(
        pt.as_tensor(output.astype(np.float32) * 200), given_target.astype("float32"), given_weight.astype("float32")
    )
    if name not in ("poisson", "negative_binomial"):
        assert np.isfinite(steep.eval(mode=FAST))


def test_adam_moves_as_its_formula():
    rng = np.random.default_rng(0)
    weight, mean, square = rng.normal(size=9), np.zeros(9), np.zeros(9)
    decayed, held = np.arange(9) % 2.0, (weight.copy(), mean.copy(), square.copy())
    double = adam.at(np.float64)
    for step in range(1, 5):
        gradient = rng.normal(size=9)
        weight, mean, square = double(weight, gradient, mean, square, decayed, step, 0.01, 0.1)
        w, m, v = held
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        w = w - 0.01 * 0.1 * decayed * w - 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        held = (w, m, v)
        np.testing.assert_allclose(weight, w)
    again = double.definition(weight, gradient, mean, square, decayed, 5, 0.01, 0.1)
    np.testing.assert_allclose(again.weight, double(weight, gradient, mean, square, decayed, 5, 0.01, 0.1).weight)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_schedules_stay_between_nothing_and_everything(name):
    shares = [SCHEDULES[name](done) for done in np.linspace(0, 1, 101)]
    assert 0 <= min(shares) <= max(shares) <= 1


def test_one_step_is_the_same_on_every_quick_backend_and_leaves_no_slow_node():
    rng = np.random.default_rng(0)
    bases = encode("test", "x", ["".join(row) for row in rng.choice(list("ACGTN"), (8, 30))])
    target, weight = rng.integers(0, 2, (8, 1)).astype(np.float32), np.ones(8, np.float32)
    after = {}
    for backend in ("numpy", "jax"):
        network = Network(
            (layers.BaseConvolution(4, 5, 3), layers.Flatten(), layers.Dropout(0.2), layers.Dense(1)), 30,
        )  # fmt: skip
        trainer = Trainer(network, Plan(seed=1), backend=backend)
        step = trainer.compile_step(8)
        codes, length = bases.batch(np.arange(8))
        for number in range(1, 6):
            trainer.step(codes, length, target, weight, 0.01, number, np.random.default_rng(number))
        after[backend] = trainer.weights()
        if backend == "numpy":
            assert without_ufunc(step) == []
    for name, value in after["numpy"].items():
        np.testing.assert_allclose(after["jax"][name], value, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("architecture", ["deepbind", "danq", "dilated"])
def test_filling_up_changes_no_prediction(architecture):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), length)) for length in (40, 55, 61)]
    network = make_network(architecture, 1, None, {"filters": 4, "width": 5})
    trainer = Trainer(network, Plan())
    together = trainer.predict(encode("t", "x", texts))
    alone = np.concatenate([trainer.predict(encode("t", "x", [text])) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_training_weights_that_count_nothing_are_as_if_absent():
    rng = np.random.default_rng(0)
    bases = encode("t", "x", ["".join(row) for row in rng.choice(list("ACGT"), (12, 30))])
    target = rng.integers(0, 2, (12, 1)).astype(np.float32)
    half = np.arange(12) < 6
    network = make_network("positional", 1, 30, {"dropout": 0.0})
    examples = [
        Examples(bases, target, half.astype(np.float32)),
        Examples(bases, target, np.ones(12, np.float32)).take(half),
    ]
    trainer, losses_found = Trainer(network, Plan()), []
    for each in examples:
        losses_found.append(trainer.loss_of(trainer.predict(each.bases), each))
    assert losses_found[0] == pytest.approx(losses_found[1], rel=1e-5)


def test_adam_in_single_precision_keeps_single_precision():
    gradient, zero = np.array([0.3, -2.0], np.float32), np.zeros(2, np.float32)
    for form in (adam, adam.definition):
        mean, square = zero, zero
        for step in range(1, 4):
            moved = form(zero, gradient, mean, square, zero, np.float32(step), np.float32(1e-3))
            mean, square = moved.mean, moved.square
            # a constant gradient moves each weight by the rate, whatever its size, at every step
            np.testing.assert_allclose(moved.weight, [-1e-3, 1e-3], rtol=2e-6)
            np.testing.assert_allclose(square, gradient.astype(float) ** 2 * (1 - 0.999**step), rtol=1e-6)
