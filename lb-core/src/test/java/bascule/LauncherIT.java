package bascule;

import static bascule.testing.BasculeProcess.ROOT;
import static bascule.testing.BasculeProcess.bascule;
import static bascule.testing.BasculeProcess.command;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.BasculeProcess.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `./bascule` itself, where something that it needs is missing, old or elsewhere.
final class LauncherIT {
    @TempDir Path folder = Path.of("");

    /// The launcher in an empty checkout. The JDKs of this machine cannot be hidden from it, but none is that new.
    private Path launcherThatWants(String oldestJdk) throws IOException {
        String text = Files.readString(ROOT.resolve("bascule"));
        String wanting = text.replace("OLDEST_JDK=25\n", "OLDEST_JDK=" + oldestJdk + "\n");
        assertThat(wanting.equals(text)).isEqualTo(oldestJdk.equals("25"));
        return executable("checkout/bascule", wanting);
    }

    private Path executable(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /// A PATH with only what every Linux has.
    private Path bin() throws IOException {
        Path bin = Files.createDirectory(folder.resolve("bin"));
        for (String tool :
                new String[] {
                    "bash", "dirname", "readlink", "sed", "find", "flock", "mkdir", "mktemp", "rm"
                }) {
            Path found = Path.of("/usr/bin", tool);
            Files.createSymbolicLink(
                    bin.resolve(tool), Files.exists(found) ? found : Path.of("/bin", tool));
        }
        return bin;
    }

    @Test
    void givenNoJdk_whenCalled_thenOneLineSaysWhatToInstall() throws Exception {
        Ended ended =
                command(launcherThatWants("999").toString(), "version")
                        .environment("PATH", bin().toString())
                        .environment("JAVA_HOME", "")
                        .end();

        assertThat(ended.exitCode()).isEqualTo(1);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err())
                .startsWith("bascule: no JDK 999 or newer found; install one")
                .contains("JAVA_HOME")
                .hasLineCount(1);
    }

    @Test
    void givenNoMavenAndNothingBuilt_whenCalled_thenOneLineSaysWhatToInstall() throws Exception {
        Ended ended =
                command(launcherThatWants("25").toString(), "version")
                        .environment("PATH", bin().toString())
                        .environment("BASCULE_IN_BUILD", "")
                        .end();

        assertThat(ended.exitCode()).isEqualTo(1);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).startsWith("bascule: no Maven found; install").hasLineCount(1);
    }

    @Test
    void givenOldJdkInJavaHome_whenCalled_thenItIsPassedOverForANewerOne() throws Exception {
        Path old = folder.resolve("old");
        executable("old/bin/java", "#!/bin/sh\necho old\n");
        executable("old/bin/javac", "#!/bin/sh\n");
        Files.writeString(old.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
        String path = System.getProperty("java.home") + "/bin:" + System.getenv("PATH");

        Ended ended =
                bascule("version")
                        .environment("JAVA_HOME", old.toString())
                        .environment("PATH", path)
                        .end();

        assertThat(ended.exitCode()).isZero();
        assertThat(ended.out()).startsWith("bascule ");
    }

    @Test
    void givenNothingBuilt_whenAskedForTheJdk_thenItsFolder() throws Exception {
        String own = System.getProperty("java.home");

        Ended ended =
                command(launcherThatWants("25").toString(), "jdk")
                        .environment("PATH", bin().toString())
                        .environment("JAVA_HOME", own)
                        .end();

        assertThat(ended).isEqualTo(new Ended(0, own + "\n", ""));
    }

    @Test
    void givenLinkToTheLauncher_whenCalledFromElsewhere_thenItFindsItsCheckout() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), ROOT.resolve("bascule"));

        assertThat(command(link.toString(), "version").end()).isEqualTo(bascule("version").end());
    }
}
