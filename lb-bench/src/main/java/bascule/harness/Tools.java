package bascule.harness;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/// What a machine has to have for a bed of hosts.
public final class Tools {
    private Tools() {}

    /// @return of these programs, root and network namespaces, what is not there
    public static List<String> missing(List<String> programs)
            throws IOException, InterruptedException {
        List<String> missing = new ArrayList<>();
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin";
        for (String program : programs) {
            if (Stream.of(path.split(":"))
                    .noneMatch(place -> Files.isExecutable(Path.of(place, program))))
                missing.add(program);
        }
        if (!Files.isReadable(Path.of("/proc/self/status")) || !isRoot()) missing.add("root");
        else if (missing.isEmpty() && !hasNamespaces())
            missing.add("network namespaces with bridges and veth");
        return missing;
    }

    private static boolean hasNamespaces() throws IOException, InterruptedException {
        String probe = "bascule-" + ThreadLocalRandom.current().nextInt(10_000, 100_000);
        boolean made =
                Shell.run(List.of("ip", "netns", "add", probe)).exitCode() == 0
                        && Shell.run(
                                                List.of("ip", "-n", probe, "-batch", "-"),
                                                """
                                                link add br0 type bridge
                                                link add ve0 type veth peer name ve1
                                                """)
                                        .exitCode()
                                == 0;
        Shell.run(List.of("ip", "netns", "del", probe));
        return made;
    }

    private static boolean isRoot() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status"), StandardCharsets.UTF_8).stream()
                .anyMatch(line -> line.matches("Uid:\\s+\\d+\\s+0\\s.*"));
    }
}
