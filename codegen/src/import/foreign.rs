//! Files of other programs that hold a network but not in a form that is read, and how each is exported.

/// What a file of this extension is, and the one thing to do with it.
pub fn about(extension: &str) -> Option<(&'static str, &'static str)> {
    Some(match extension {
        "ts" | "torchscript" | "ckpt" => (
            "a PyTorch program or checkpoint",
            "export it with PyTorch: torch.onnx.export(model.eval(), torch.zeros(1, INPUTS), \"model.onnx\"), where model is \
             torch.jit.load(FILE) of TorchScript, or your module after model.load_state_dict(torch.load(FILE))",
        ),
        "keras" | "h5" | "hdf5" => (
            "a Keras model",
            "export it with Keras 3: keras.models.load_model(FILE).export(\"model.onnx\", format=\"onnx\")",
        ),
        "zip" => (
            "an archive, as Stable-Baselines3 saves policies",
            "export the policy: torch.onnx.export(PPO.load(FILE, device=\"cpu\").policy, torch.zeros(1, OBSERVATIONS), \
             \"model.onnx\"), with the class of your algorithm for PPO (of SAC and TD3 policy.actor, of DQN policy.q_net)",
        ),
        "pkl" | "pickle" | "joblib" => (
            "a Python pickle",
            "export a scikit-learn model with skl2onnx: to_onnx(model, X[:1].astype(numpy.float32)) and its \
             SerializeToString(), written as model.onnx",
        ),
        "pb" => (
            "a TensorFlow graph",
            "convert its SavedModel: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, or to .tflite with \
             tf.lite.TFLiteConverter.from_saved_model(FOLDER).convert()",
        ),
        _ => return None,
    })
}
