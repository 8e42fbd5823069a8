package bascule.node;

import java.util.List;

/// What a floating IP stands for.
///
/// @param listeners names of those that it requires
/// @param backends names of those that its listeners lead to
public record Duty(String floatingIp, List<String> listeners, List<String> backends) {
    public Duty {
        listeners = List.copyOf(listeners);
        backends = List.copyOf(backends);
    }
}
