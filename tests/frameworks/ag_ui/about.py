"""The row of AG-UI."""

from tests.frameworks.about import About

ABOUT = About(
    title="AG-UI",
    adapter="/ag-ui/{session_id}",
    extras=("clients",),
    keeps="its messages as they are, each once by its id; the shared state, as a record",
    durability="as the service's",
    suite="its own `HttpAgent`, in Node, and its Python types",
)
