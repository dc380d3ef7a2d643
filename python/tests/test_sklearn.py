"""Estimators of scikit-learn, and what is said where a framework is missing."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import nervecord

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(600, 4))
Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] * X[:, 3]])


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_pipelines(scaler):
    pipeline = make_pipeline(scaler(), MLPRegressor(hidden_layer_sizes=(24,), max_iter=120, random_state=0)).fit(X, Y)
    model = nervecord.from_sklearn(pipeline, X)
    assert model.name == "mlp_regressor" and len(model.inputs) == 4 and len(model.outputs) == 2
    assert model.verify(X, pipeline.predict(X))
    assert np.abs(model.run(X) - pipeline.predict(X)).max() < 0.2 * Y.std()


def test_linear_models():
    model = nervecord.from_sklearn(LinearRegression().fit(X, Y), X, name="plane")
    assert model.name == "plane" and model.verify(X, LinearRegression().fit(X, Y).predict(X))


@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers(classes):
    labels = np.digitize(Y[:, 0], [0.0, 1.0][: classes - 1])
    network = MLPClassifier(hidden_layer_sizes=(16,), max_iter=150, random_state=0).fit(X, labels)
    model = nervecord.from_sklearn(network, X)
    assert len(model.outputs) == classes
    assert np.mean(model.run(X).argmax(axis=1) == network.predict(X)) > 0.99
    assert model.verify(X, labels=labels)


def test_bytes_and_protos_are_models(tmp_path):
    import onnx
    import skl2onnx

    network = MLPRegressor(hidden_layer_sizes=(8,), max_iter=60, random_state=0).fit(X, Y)
    proto = skl2onnx.to_onnx(network, X[:1].astype(np.float32))
    path = tmp_path / "net.onnx"
    onnx.save(proto, path)
    models = [nervecord.compile(given, X, name="net") for given in (path, str(path), proto, proto.SerializeToString())]
    assert len({model.program.sha256 for model in models}) == len({(m.name, m.table_bytes) for m in models}) == 1 or all(
        (model.run(X) == models[0].run(X)).all() for model in models
    )


def test_what_cannot_be_used_is_told():
    with pytest.raises(nervecord.Error, match="fit it first"):
        nervecord.from_sklearn(MLPRegressor(), X)
    with pytest.raises(nervecord.Error, match="no table"):
        nervecord.from_sklearn(LinearRegression().fit(X, Y), X[0])


@pytest.mark.parametrize(
    "make, module",
    [
        (lambda: nervecord.from_torch(None, X), "torch"),
        (lambda: nervecord.from_sb3(None), "torch"),
        (lambda: nervecord.from_sklearn(None, X), "skl2onnx"),
        (lambda: nervecord.from_keras(None, X), "keras"),
        (lambda: nervecord.from_kan(None, X), "torch"),
        (lambda: nervecord.from_ncps(None), "torch"),
    ],
)
def test_a_framework_that_is_missing_is_named(make, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(nervecord.Error, match=f"pip install {module}"):
        make()
