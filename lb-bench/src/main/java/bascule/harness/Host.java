package bascule.harness;

import java.util.ArrayList;
import java.util.List;

/// One host of the bed: a network namespace.
///
/// @param name      in the bed: `edge1`, `client` …
/// @param namespace of ip-netns(8)
public record Host(String name, String namespace) {
    public String file() {
        return "/run/netns/" + namespace;
    }

    /// A command in it; the process that is started becomes the command.
    public List<String> command(List<String> command) {
        List<String> all = new ArrayList<>(List.of("nsenter", "--net=" + file(), "--"));
        all.addAll(command);
        return all;
    }

    /// `ip` in it, with these arguments.
    public List<String> ip(String... arguments) {
        List<String> all = new ArrayList<>(List.of("ip", "-n", namespace));
        all.addAll(List.of(arguments));
        return all;
    }
}
