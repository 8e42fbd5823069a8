package bascule.harness;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

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

    /// What is made in it, such as a socket, which stays there.
    public interface Work<T> {
        T run() throws IOException;
    }

    /// On a thread of its own: one that has entered a namespace is of no use elsewhere.
    public <T> T inside(Work<T> work) throws IOException, InterruptedException {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            Native.enter(file());
                            return work.run();
                        });
        Thread.ofPlatform().start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new IOException(name + ": " + e.getCause(), e);
        }
    }

    /// `ip` in it, with these arguments.
    public List<String> ip(String... arguments) {
        List<String> all = new ArrayList<>(List.of("ip", "-n", namespace));
        all.addAll(List.of(arguments));
        return all;
    }
}
