package bascule.proxy;

import bascule.backend.Backend;
import bascule.observe.BackendMetrics;

/// A backend as one loop sees it: what is counted of it there, and the rules that are in force. Confined to its loop.
final class LoopBackend {
    private final Backend backend;
    private final BackendMetrics metrics;
    private BackendRules rules;

    LoopBackend(Backend backend, BackendMetrics metrics, BackendRules rules) {
        this.backend = backend;
        this.metrics = metrics;
        this.rules = rules;
    }

    /// From now on these.
    void install(BackendRules next) {
        rules = next;
    }

    Backend backend() {
        return backend;
    }

    BackendMetrics metrics() {
        return metrics;
    }

    BackendRules rules() {
        return rules;
    }
}
