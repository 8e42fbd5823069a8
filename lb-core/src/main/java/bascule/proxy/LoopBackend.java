package bascule.proxy;

import bascule.backend.Backend;
import bascule.observe.BackendMetrics;

/// A backend, and what one loop counts of it.
record LoopBackend(Backend backend, BackendMetrics metrics) {}
