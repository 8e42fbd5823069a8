package bascule.harness;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;

/// Where, when and by what a report came about.
public final class Circumstances {
    private Circumstances() {}

    /// The first words of a report.
    ///
    /// @param command that writes it
    /// @param seconds that took
    public static String text(String command, Path checkout, long seconds)
            throws IOException, InterruptedException {
        return "Written by `%s` on %s, in %d min %d s. Commit %s; %s; kernel %s"
                .formatted(
                        command,
                        LocalDate.now(ZoneOffset.UTC),
                        seconds / 60,
                        seconds % 60,
                        line(checkout, "git", "describe", "--always", "--dirty"),
                        machine(),
                        System.getProperty("os.version", ""));
    }

    /// The first line that a command says of itself.
    public static String line(Path checkout, String... command) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(checkout.toFile())
                            .redirectErrorStream(true)
                            .start();
            String all = new String(process.getInputStream().readAllBytes(), UTF_8);
            process.waitFor();
            return all.lines().findFirst().orElse("").strip();
        } catch (IOException _) {
            return command[0] + " is not installed";
        }
    }

    private static String machine() throws IOException {
        String cpu = "unknown";
        int cpus = 0;
        for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
            if (!line.startsWith("model name")) continue;
            cpu = line.substring(line.indexOf(':') + 1).strip();
            cpus++;
        }
        return cpus + " × " + cpu;
    }
}
