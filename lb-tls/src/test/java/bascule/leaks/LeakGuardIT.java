package bascule.leaks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

final class LeakGuardIT {
    @TempDir Path folder = Path.of("");

    @Test
    void givenTestThatLosesABuffer_whenItsRunEnds_thenTheRunFailsAndShowsWhereTheBufferWasMade()
            throws Exception {
        Nested run = Nested.run("losesOneBuffer", folder);

        assertThat(run.output)
                .contains(
                        "1 test passed", "1 leaked", "PlantedLeak.losesOneBuffer(PlantedLeak.java");
        assertThat(run.exitCode).isEqualTo(1);
    }

    @Test
    void givenTestThatReleasesItsBuffer_whenItsRunEnds_thenTheRunPasses() throws Exception {
        Nested run = Nested.run("releasesOneBuffer", folder);

        assertThat(run.output).contains("1 test passed").doesNotContain("leaked");
        assertThat(run.exitCode).isZero();
    }

    /// A run of its own, in a JVM of its own: what it leaks is not held against this one.
    record Nested(int exitCode, String output) {
        static Nested run(String method, Path folder) throws Exception {
            Path output = folder.resolve("output");
            Process process =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "-Xmx128m",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Nested.class.getName(),
                                    PlantedLeak.class.getName() + "#" + method)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
            return new Nested(process.exitValue(), Files.readString(output));
        }

        public static void main(String[] arguments) {
            var request =
                    LauncherDiscoveryRequestBuilder.request()
                            .selectors(DiscoverySelectors.selectMethod(arguments[0]))
                            .build();
            var summary = new SummaryGeneratingListener();
            try (LauncherSession session = LauncherFactory.openSession()) {
                session.getLauncher().execute(request, summary);
                System.out.println(summary.getSummary().getTestsSucceededCount() + " test passed");
            }
        }
    }
}
