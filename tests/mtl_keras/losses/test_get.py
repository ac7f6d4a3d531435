import inspect
import pkgutil

import keras
import pytest

from mtl_keras import losses


def test_ours_come_first():
    assert type(losses.get("huber")) is losses.Huber


@pytest.mark.parametrize(
    "name, expected",
    [
        ("mse", keras.losses.mean_squared_error),
        ("mean_absolute_error", keras.losses.mean_absolute_error),
    ],
)
def test_keras_functions_by_name(name, expected):
    assert losses.get(name) is expected


def test_keras_class_by_name():
    assert type(losses.get("LogCosh")) is keras.losses.LogCosh


def test_class_becomes_an_object():
    assert type(losses.get(losses.Focal)) is losses.Focal
    assert type(losses.get(keras.losses.Dice)) is keras.losses.Dice


def test_object_function_and_none_are_returned():
    def custom(y_true, y_pred):
        return y_true - y_pred

    loss = losses.Focal()
    assert losses.get(loss) is loss
    assert losses.get(custom) is custom
    assert losses.get(None) is None


def test_a_loss_is_found_by_its_module_and_its_class():
    for name in losses.list_losses():
        cls = type(losses.get(name))
        assert cls.__module__ == f"mtl_keras.losses.{name}"
        assert getattr(losses, cls.__name__) is cls
        assert cls.__name__ in losses.__all__


def test_no_name_of_the_package_hides_a_module():
    for module in pkgutil.iter_modules(losses.__path__):
        assert inspect.ismodule(getattr(losses, module.name)), module.name


def test_each_name_gives_a_new_object():
    assert losses.get("focal") is not losses.get("focal")


def test_short_config():
    loss = losses.get({"class_name": "Focal", "config": {"gamma": 3.0}})
    assert loss.gamma == 3.0


def test_config_of_keras_s_loss_stays_keras_s():
    config = keras.losses.serialize(keras.losses.Huber(delta=2.0))
    assert type(losses.get(config)) is keras.losses.Huber


def test_misspelt_name_gets_a_guess():
    with pytest.raises(ValueError, match="Did you mean 'cross_entropy'"):
        losses.get("cros_entropy")


def test_misspelt_keras_name_gets_a_guess():
    with pytest.raises(ValueError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")


@pytest.mark.parametrize(
    "identifier, message",
    [
        ("nothing_like_it", "Unknown loss: 'nothing_like_it'. Expected one of"),
        (3, "Received: 3 of type int"),
        ({"gamma": 1}, "must have the key 'class_name'"),
        ({"class_name": "Nothing"}, "Unknown loss: 'Nothing'"),
        (
            {"class_name": "Focal", "config": {"gama": 1.0}},
            "Cannot build a loss from its config",
        ),
    ],
)
def test_what_is_no_loss_is_refused(identifier, message):
    with pytest.raises(ValueError, match=message):
        losses.get(identifier)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: losses.Huber(delta=0), "`delta` must be .* > 0"),
        (lambda: losses.Huber(delta="1"), "Received: delta='1'"),
        (lambda: losses.Huber(delta=float("nan")), "finite"),
        (lambda: losses.Focal(gamma=-1), "`gamma` must be .* >= 0"),
        (lambda: losses.Focal(alpha=1.5), r"`alpha` must be .* \[0, 1\]"),
        (lambda: losses.Focal(alpha=[1, -2]), r"`alpha\[1\]` must be"),
        (lambda: losses.Focal(alpha="all"), "Received: alpha='all'"),
        (lambda: losses.CrossEntropy(label_smoothing=1), "label_smoothing"),
        (lambda: losses.BinaryCrossEntropy(label_smoothing=-1), "smoothing"),
        (lambda: losses.BoxLoss(huber_weight=-1), "huber_weight"),
        (lambda: losses.BoxLoss(giou_weight=True), "giou_weight"),
        (lambda: losses.BoxLoss(0, 0), "must be above 0"),
        (lambda: losses.BoxLoss(delta=-1), "delta"),
        (lambda: losses.DiceLoss(smoothing=-1), "smoothing"),
        (lambda: losses.SoftF1(smoothing="1"), "Received: smoothing='1'"),
        (lambda: losses.PairwiseAUC(margin=0), "`margin` must be"),
        (lambda: losses.PairwiseAUC(power=1), "`power` must be .* > 1"),
        (lambda: losses.ScaleInvariantDepth(1.5), "`scale_share` must be"),
        (lambda: losses.ScaleInvariantDepth(smallest=0), "`smallest`"),
        (lambda: losses.CrossEntropy(from_logits="no"), "`from_logits` must"),
        (lambda: losses.BinaryCrossEntropy(from_logits=1), "True or False"),
        (lambda: losses.DiscreteTime(from_logits=None), "True or False"),
        (
            lambda: losses.ScaleInvariantDepth(from_logarithm="yes"),
            "`from_logarithm` must be True or False",
        ),
        (lambda: losses.DiscreteTime([0]), "two or more finite"),
        (lambda: losses.DiscreteTime([0, 2, 1]), "increasing numbers"),
        (lambda: losses.DiscreteTime([0, float("inf")]), "finite"),
        (lambda: losses.DiscreteTime("abc"), "sequence of numbers"),
        (lambda: losses.DiscreteTime(4), "sequence of numbers"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
