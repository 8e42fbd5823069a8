package bascule.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.netty.channel.epoll.Epoll;
import io.netty.handler.ssl.OpenSsl;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The .deb and the tar.gz that this build has made. Here and not beside other tests: it needs nothing but them, and they are made last.
class PackageIT {
    private static final Path BUILT = Path.of("target").toAbsolutePath();
    private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();
    private static final long MOST_DEB_BYTES = 35_000_000;
    private static final long MOST_INSTALLED_BYTES = 110_000_000;
    private static final int SECONDS = 60;

    private static String version = "";
    private static String architecture = "";

    /// Where the .deb is unpacked.
    @TempDir static Path host = Path.of("");

    /// @param out standard output and error
    private record Ended(int code, String out) {}

    @BeforeAll
    static void unpack() throws Exception {
        require("dpkg-deb");
        List<String> is = Files.readAllLines(BUILT.resolve("version"));
        version = is.get(0);
        architecture = is.get(1);
        assertThat(run("dpkg-deb", "-x", deb().toString(), host.toString())).isEqualTo(fine(""));
    }

    private static Path deb() {
        return BUILT.resolve("bascule_" + version + "_" + architecture + ".deb");
    }

    private static Path tar() {
        return BUILT.resolve("bascule-" + version + "-" + architecture + ".tar.gz");
    }

    private static Path installed(String path) {
        return host.resolve(path);
    }

    private static Ended fine(String out) {
        return new Ended(0, out);
    }

    // ---- what is in it

    @Test
    void givenDeb_whenListed_thenAllIsRootsAndNothingIsWritableForOthersOrSetUid()
            throws Exception {
        Ended list = run("dpkg-deb", "-c", deb().toString());

        assertThat(list.code()).isZero();
        List<String> lines = list.out().lines().toList();
        assertThat(lines).hasSizeGreaterThan(100);
        for (String each : lines)
            assertThat(each).matches("(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root/root .*");
    }

    @Test
    void givenDeb_whenUnpacked_thenEverythingPromisedIsThere() {
        assertThat(
                        Stream.of(
                                        "etc/bascule/bascule.conf",
                                        "etc/default/bascule",
                                        "usr/bin/bascule",
                                        "usr/lib/bascule/bascule.aot",
                                        "usr/lib/bascule/java.args",
                                        "usr/lib/bascule/release-on-death",
                                        "usr/lib/bascule/runtime/bin/java",
                                        "usr/lib/systemd/system/bascule.service",
                                        "usr/lib/sysusers.d/bascule.conf",
                                        "usr/lib/tmpfiles.d/bascule.conf",
                                        "usr/share/bascule/grafana/bascule.json",
                                        "usr/share/bascule/prometheus/alerts.yml",
                                        "usr/share/bascule/prometheus/recording.yml",
                                        "usr/share/bascule/prometheus/scrape.yml",
                                        "usr/share/bascule/sbom.cdx.json",
                                        "usr/share/bash-completion/completions/bascule",
                                        "usr/share/doc/bascule/changelog.gz",
                                        "usr/share/doc/bascule/copyright",
                                        "usr/share/doc/bascule/examples/pair.conf",
                                        "usr/share/man/man5/bascule.conf.5.gz",
                                        "usr/share/man/man8/bascule.8.gz")
                                .filter(each -> !Files.isRegularFile(installed(each))))
                .isEmpty();
    }

    @Test
    void givenDeb_whenControlIsRead_thenNameVersionAndConffilesAreRight() throws Exception {
        assertThat(run("dpkg-deb", "-f", deb().toString(), "Package", "Version", "Architecture"))
                .isEqualTo(
                        fine(
                                "Package: bascule\nVersion: %s\nArchitecture: %s\n"
                                        .formatted(version, architecture)));
        assertThat(run("dpkg-deb", "--info", deb().toString(), "conffiles"))
                .isEqualTo(fine("/etc/bascule/bascule.conf\n/etc/default/bascule\n"));
        for (String each : List.of("postinst", "prerm", "postrm")) {
            Path script =
                    Files.writeString(
                            host.resolve(each),
                            run("dpkg-deb", "--info", deb().toString(), each).out());
            assertThat(run("sh", "-n", script.toString())).isEqualTo(fine(""));
            Files.delete(script);
        }
    }

    @Test
    void givenDeb_whenWeighed_thenItKeepsToItsBars() throws Exception {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(host)) {
            for (Path each : files.filter(file -> Files.isRegularFile(file)).toList())
                bytes += Files.size(each);
        }
        System.out.printf(
                "%s: %,d bytes, installed %,d%n", deb().getFileName(), Files.size(deb()), bytes);
        assertThat(Files.size(deb())).isLessThanOrEqualTo(MOST_DEB_BYTES);
        assertThat(bytes).isLessThanOrEqualTo(MOST_INSTALLED_BYTES);
    }

    @Test
    void givenDeb_whenItsClassesAreRead_thenWithLinesAndWithoutNamesOfVariables() throws Exception {
        try (Stream<Path> jars = Files.list(installed("usr/lib/bascule/lib"))) {
            for (Path each : jars.toList()) {
                try (var jar = new JarFile(each.toFile())) {
                    assertThat(attributesOfCode(jar))
                            .as(each.toString())
                            .doesNotContain("LocalVariableTable", "LocalVariableTypeTable");
                }
            }
        }
        try (var jar = new JarFile(installed("usr/lib/bascule/lib/lb-core.jar").toFile())) {
            assertThat(attributesOfCode(jar)).contains("LineNumberTable");
        }
    }

    private static Set<String> attributesOfCode(JarFile jar) throws IOException {
        Set<String> names = new TreeSet<>();
        for (JarEntry each : Collections.list(jar.entries())) {
            if (!each.getName().endsWith(".class")) continue;
            try (InputStream from = jar.getInputStream(each)) {
                ClassFile.of().parse(from.readAllBytes()).methods().stream()
                        .flatMap(method -> method.findAttribute(Attributes.code()).stream())
                        .flatMap(code -> code.attributes().stream())
                        .forEach(attribute -> names.add(attribute.attributeName().stringValue()));
            }
        }
        return names;
    }

    @Test
    void givenDeb_whenLintianReadsIt_thenItSaysNothing() throws Exception {
        require("lintian");
        List<String> line = new ArrayList<>(List.of("lintian", "--tag-display-limit", "0"));
        if ("root".equals(System.getProperty("user.name"))) line.add("--allow-root");
        line.add(deb().toString());

        assertThat(run(line.toArray(String[]::new))).isEqualTo(fine(""));
    }

    @Test
    void givenTree_whenItIsMadeAgain_thenEveryByteButTheCacheIsTheSame(@TempDir Path again)
            throws Exception {
        Files.copy(BUILT.resolve("bom.json"), again.resolve("bom.json"));
        var builder = command("bash", "src/assemble", again.toString(), "--without-cache");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("BASCULE_VERSION", version);

        assertThat(end(builder).code()).isZero();

        SortedMap<String, String> first = digests(BUILT.resolve("tree"));
        assertThat(first.remove("usr/lib/bascule/bascule.aot")).isNotNull();
        assertThat(digests(again.resolve("tree"))).isEqualTo(first);
    }

    // ---- that it works

    @Test
    void givenDeb_whenUnpackedElsewhere_thenItRunsFromItsCache() throws Exception {
        assertThat(insisting(installed("usr/bin/bascule"), "version"))
                .isEqualTo(fine("bascule " + version + "\n"));
    }

    @Test
    void givenCacheThatDoesNotFit_whenInsistedOn_thenTheJvmRefuses() throws Exception {
        var builder = command(installed("usr/bin/bascule").toString(), "version");
        builder.environment()
                .put("BASCULE_JAVA_OPTS", "-XX:AOTMode=on -XX:-UseCompactObjectHeaders");

        assertThat(end(builder).code()).isEqualTo(1);
    }

    @Test
    void givenTar_whenUnpacked_thenItRunsInPlaceFromItsCache(@TempDir Path place) throws Exception {
        assertThat(run("tar", "-xzf", tar().toString(), "-C", place.toString()))
                .isEqualTo(fine(""));

        Path top = place.resolve("bascule-" + version + "-" + architecture);
        try (Stream<Path> all = Files.list(place)) {
            assertThat(all).containsExactly(top);
        }
        assertThat(insisting(top.resolve("bin/bascule"), "version"))
                .isEqualTo(fine("bascule " + version + "\n"));
    }

    /// By the launcher, as a user would; a cache that cannot be used is an error here.
    private static Ended insisting(Path launcher, String... arguments) throws Exception {
        var line = new ArrayList<>(List.of(launcher.toString()));
        line.addAll(List.of(arguments));
        var builder = command(line.toArray(String[]::new));
        builder.environment().put("BASCULE_JAVA_OPTS", "-XX:AOTMode=on");
        return end(builder);
    }

    @Test
    void givenShippedFile_whenChecked_thenValid() throws Exception {
        assertThat(
                        run(
                                installed("usr/bin/bascule").toString(),
                                "check",
                                "-c",
                                installed("etc/bascule/bascule.conf").toString()))
                .isEqualTo(fine("valid\n"));
    }

    @Test
    void givenShippedFile_whenRun_thenItServesFromItsCache(@TempDir Path folder) throws Exception {
        assertThat(served(folder, "")).doesNotContain("start-cache-unused");
    }

    @Test
    void givenOptionThatTheCacheWasNotMadeWith_whenRun_thenItServesAndSaysSo(@TempDir Path folder)
            throws Exception {
        assertThat(served(folder, "-XX:-UseCompactObjectHeaders"))
                .contains("WARN start-cache-unused");
    }

    /// Runs the daemon with the shipped file, and asks it.
    ///
    /// @return what it said
    private static String served(Path folder, String options) throws Exception {
        Path file = folder.resolve("bascule.conf");
        Files.writeString(file, configuration(folder));
        Path log = folder.resolve("log");
        var builder =
                command(installed("usr/bin/bascule").toString(), "run", "-c", file.toString());
        builder.environment().put("BASCULE_JAVA_OPTS", options);
        Process daemon = builder.redirectOutput(log.toFile()).start();
        try (HttpClient client = HttpClient.newHttpClient()) {
            awaited(daemon, log, Pattern.compile(" started "));
            Matcher bind =
                    awaited(daemon, log, Pattern.compile("listener-open name=http bind=\\[(.*?)]"));
            var request =
                    HttpRequest.newBuilder(URI.create("http://" + bind.group(1) + "/"))
                            .timeout(Duration.ofSeconds(SECONDS));
            assertThat(client.send(request.build(), BodyHandlers.ofString()).body())
                    .startsWith("Bascule runs.");
        } finally {
            daemon.destroy();
            if (!daemon.waitFor(SECONDS, TimeUnit.SECONDS)) daemon.destroyForcibly();
        }
        assertThat(daemon.exitValue()).isEqualTo(143);
        return Files.readString(log);
    }

    private static Matcher awaited(Process daemon, Path log, Pattern what) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (true) {
            Matcher said = what.matcher(Files.readString(log));
            if (said.find()) return said;
            assertThat(daemon.isAlive()).as(() -> read(log)).isTrue();
            assertThat(System.nanoTime() - end).as(() -> read(log)).isNegative();
            Thread.sleep(10);
        }
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void givenHostThatMapsNoProgramFromTmp_whenRun_thenEpollAndBoringSslServe() throws Exception {
        Ended told =
                run(
                        installed("usr/lib/bascule/runtime/bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dio.netty.native.workdir=/proc", // No file can be made there.
                        "-cp",
                        installed("usr/lib/bascule/lib/bascule.jar")
                                + File.pathSeparator
                                + BUILT.resolve("test-classes"),
                        Natives.class.getName());

        assertThat(told).isEqualTo(fine("epoll null\nBoringSSL null\n"));
    }

    /// Run on the runtime of the package, with its jars: says why something native is not there.
    static final class Natives {
        private Natives() {}

        public static void main(String[] arguments) {
            System.out.println("epoll " + Epoll.unavailabilityCause());
            System.out.println("BoringSSL " + OpenSsl.unavailabilityCause());
        }
    }

    @Test
    void givenUpgradeUnderARunningDaemon_whenItsJarsAreGone_thenItGoesOnToItsEnd(
            @TempDir Path folder) throws Exception {
        // Links: the cache knows its jars by their times.
        assertThat(run("cp", "-al", installed("usr").toString(), folder.toString()))
                .isEqualTo(fine(""));
        Path file = folder.resolve("bascule.conf");
        Path socket = folder.resolve("admin.sock");
        Files.writeString(file, configuration(folder));
        Path log = folder.resolve("log");
        var builder =
                command(folder.resolve("usr/bin/bascule").toString(), "run", "-c", file.toString());
        // Without the cache, so that all that it does from here on has to be read.
        builder.environment().put("BASCULE_JAVA_OPTS", "-XX:AOTMode=off");
        Process daemon = builder.redirectOutput(log.toFile()).start();
        try (HttpClient client = HttpClient.newHttpClient()) {
            awaited(daemon, log, Pattern.compile(" started "));
            Matcher admin =
                    awaited(daemon, log, Pattern.compile("admin-open .*?(127\\.0\\.0\\.1:\\d+)"));
            Path lib = folder.resolve("usr/lib/bascule/lib");
            Files.move(lib, folder.resolve("gone"));

            Files.writeString(file, configuration(folder).replace("= 5000", "= 7"));
            String bascule = installed("usr/bin/bascule").toString();
            Ended reload = run(bascule, "reload", "--socket", socket.toString());
            Ended status = run(bascule, "status", "--socket", socket.toString());
            var metrics =
                    HttpRequest.newBuilder(URI.create("http://" + admin.group(1) + "/metrics"))
                            .timeout(Duration.ofSeconds(SECONDS));

            assertThat(reload.code()).as(reload.out()).isZero();
            assertThat(reload.out()).isEqualTo("listeners.http: changed\n");
            assertThat(status.out()).contains("listener").contains("http");
            assertThat(client.send(metrics.build(), BodyHandlers.ofString()).body())
                    .contains("bascule_");
        } finally {
            daemon.destroy();
            if (!daemon.waitFor(SECONDS, TimeUnit.SECONDS)) daemon.destroyForcibly();
        }
        assertThat(daemon.exitValue()).isEqualTo(143);
        assertThat(Files.readString(log))
                .doesNotContain("NoClassDefFoundError")
                .doesNotContain("ClassNotFoundException")
                .doesNotContain(" ERROR ");
    }

    /// The shipped file, on ports that are free.
    private static String configuration(Path folder) throws IOException {
        return Files.readString(installed("etc/bascule/bascule.conf"))
                        .replace(":8080", "127.0.0.1:0")
                + "admin { socket = %s, http = \"127.0.0.1:0\" }\nstate = %s\n"
                        .formatted(folder.resolve("admin.sock"), folder);
    }

    @Test
    void givenFileThatTheNewVersionRefuses_whenUpgraded_thenTheOldDaemonGoesOnAndItIsSaidWhy(
            @TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("bascule.conf"), "listenerz {}\n");
        Path told = folder.resolve("told");

        Ended upgrade = upgraded(folder, file, told);

        assertThat(upgrade.code()).isZero();
        assertThat(upgrade.out()).contains("listenerz").contains("\nbascule: not restarted: ");
        assertThat(told).content().doesNotContain("restart");
    }

    @Test
    void givenValidFile_whenUpgraded_thenTheDaemonIsRestartedWithoutAWord(@TempDir Path folder)
            throws Exception {
        Path told = folder.resolve("told");

        assertThat(upgraded(folder, installed("etc/bascule/bascule.conf"), told))
                .isEqualTo(fine(""));

        assertThat(told).content().endsWith("deb-systemd-invoke try-restart bascule.service\n");
    }

    /// What dpkg runs when the new files lie in place, on a host whose systemd is only a list of what it is asked for.
    ///
    /// @param file that the daemon goes by
    /// @param told the list
    private static Ended upgraded(Path folder, Path file, Path told) throws Exception {
        for (String each :
                List.of(
                        "systemd-sysusers",
                        "systemd-tmpfiles",
                        "systemctl",
                        "deb-systemd-helper",
                        "deb-systemd-invoke"))
            fake(folder.resolve(each), "echo \"" + each + " $*\" >>'" + told + "'\n");
        // Runs what it is told to.
        fake(
                folder.resolve("systemd-run"),
                "while [ \"$1\" != -- ]; do shift; done\nshift\nexec '%s'\"$@\" -c '%s'\n"
                        .formatted(host, file));
        Path script = folder.resolve("postinst");
        Files.writeString(
                script,
                run("dpkg-deb", "--info", deb().toString(), "postinst")
                        .out()
                        .replace("/run/systemd/system", folder.toString()));
        var builder = command("sh", script.toString(), "configure", "0.0.1");
        builder.environment().merge("PATH", folder + ":", (old, first) -> first + old);
        return end(builder);
    }

    @Test
    void givenRemoval_whenTheDaemonHasStopped_thenWhatItLeftOnTheHostIsReleased(
            @TempDir Path folder) throws Exception {
        Path told = folder.resolve("told");
        for (String each : List.of("deb-systemd-invoke", "bascule"))
            fake(folder.resolve(each), "echo \"" + each + " $*\" >>'" + told + "'\nexit 1\n");
        Path script = folder.resolve("prerm");
        Files.writeString(
                script,
                run("dpkg-deb", "--info", deb().toString(), "prerm")
                        .out()
                        .replace("/run/systemd/system", folder.toString()));
        for (String each : List.of("upgrade", "remove")) {
            var builder = command("sh", script.toString(), each);
            builder.environment().merge("PATH", folder + ":", (old, first) -> first + old);
            assertThat(end(builder)).isEqualTo(fine(""));
        }

        assertThat(told)
                .hasContent(
                        "deb-systemd-invoke stop bascule.service\nbascule floating-ip release\n");
    }

    @Test
    void givenFoldersOfTheConfiguration_whenTheyAreMade_thenOnlyRootAndTheGroupSeeIntoThem(
            @TempDir Path root) throws Exception {
        require("systemd-tmpfiles");
        assumeThat(System.getProperty("user.name")).as("needs root").isEqualTo("root");
        Files.createDirectory(root.resolve("etc"));
        Files.writeString(root.resolve("etc/passwd"), "root:x:0:0::/:/bin/sh\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\nbascule:x:4711:\n");
        Path lines = Files.createDirectories(root.resolve("usr/lib/tmpfiles.d"));
        Files.copy(installed("usr/lib/tmpfiles.d/bascule.conf"), lines.resolve("bascule.conf"));

        assertThat(run("systemd-tmpfiles", "--root=" + root, "--create", "bascule.conf"))
                .isEqualTo(fine(""));

        for (String each : List.of("bascule", "bascule/certs", "bascule/conf.d")) {
            Path made = root.resolve("etc").resolve(each);
            assertThat((int) Files.getAttribute(made, "unix:mode") & 07777)
                    .as(each)
                    .isEqualTo(02750);
            assertThat(Files.getAttribute(made, "unix:gid")).as(each).isEqualTo(4711);
        }
    }

    @Test
    void givenStartThatFailed_whenSystemdTriesAgain_thenNotAtOnce(@TempDir Path folder)
            throws Exception {
        Path told = folder.resolve("told");
        fake(folder.resolve("sleep"), "echo \"$*\" >>'" + told + "'\n");
        var builder = command(installed("usr/lib/bascule/release-on-death").toString());
        builder.environment().put("RUNTIME_DIRECTORY", folder.toString());
        builder.environment().merge("PATH", folder + ":", (old, first) -> first + old);
        for (String each : List.of("killed KILL", "exited 0", "exited 143", "exited 78", "")) {
            String[] is = (each + " ").split(" ", -1);
            builder.environment().put("EXIT_CODE", is[0]);
            builder.environment().put("EXIT_STATUS", is[1]);
            assertThat(end(builder)).isEqualTo(fine(""));
        }
        assertThat(told).doesNotExist();

        builder.environment().put("EXIT_CODE", "exited");
        builder.environment().put("EXIT_STATUS", "1");

        assertThat(end(builder)).isEqualTo(fine(""));
        assertThat(told).hasContent("2\n");
        assertThat(Files.readString(installed("usr/lib/systemd/system/bascule.service")))
                .contains("\nStartLimitIntervalSec=0\n")
                .contains("\nTimeoutStartSec=90s\n")
                .contains("\nExecStopPost=/usr/lib/bascule/release-on-death\n");
    }

    @Test
    void givenListOfAddresses_whenTheDaemonHasDied_thenTheyAreTakenOffAndTheListGoes(
            @TempDir Path folder) throws Exception {
        Path list =
                Files.writeString(
                        folder.resolve("release-on-death"),
                        "203.0.113.10/32 eth0\n2001:db8::10/128 eth1\n");
        Path told = folder.resolve("told");
        // The second one is gone already.
        fake(folder.resolve("ip"), "echo \"$*\" >>'" + told + "'\n[ \"$5\" = eth0 ]\n");
        var builder = command(installed("usr/lib/bascule/release-on-death").toString());
        builder.environment().put("RUNTIME_DIRECTORY", folder.toString());
        builder.environment().merge("PATH", folder + ":", (old, first) -> first + old);

        assertThat(end(builder)).isEqualTo(fine(""));

        assertThat(told)
                .hasContent(
                        "address delete 203.0.113.10/32 dev eth0\naddress delete 2001:db8::10/128 dev eth1\n");
        assertThat(list).doesNotExist();
        assertThat(end(builder)).isEqualTo(fine("")); // Nothing to do.
    }

    private static void fake(Path program, String script) throws IOException {
        Files.writeString(program, "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    // ---- the unit

    @Test
    void givenUnit_whenItsHardeningIsJudged_thenItIsAtMostTwo() throws Exception {
        require("systemd-analyze");
        Ended judged =
                run(
                        "systemd-analyze",
                        "security",
                        "--offline=true",
                        "--threshold=20",
                        "--no-pager",
                        installed("usr/lib/systemd/system/bascule.service").toString());

        assertThat(judged.code()).as(judged.out()).isZero();
        assertThat(judged.out()).contains("Overall exposure level for bascule.service");
    }

    @Test
    void givenUnit_whenSystemdReadsIt_thenItComplainsOfNothing(@TempDir Path folder)
            throws Exception {
        require("systemd-analyze");
        String unit = Files.readString(installed("usr/lib/systemd/system/bascule.service"));
        assertThat(unit)
                .contains("AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE\n")
                .contains("CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE\n");
        // Its programs and man pages are not on the host that builds.
        Path here = folder.resolve("bascule.service");
        Files.writeString(
                here,
                unit.replaceAll("=/usr/", "=" + host + "/usr/")
                        .replaceAll("Documentation=.*\n", ""));

        assertThat(run("systemd-analyze", "verify", "--man=no", here.toString()))
                .isEqualTo(fine(""));
    }

    // ---- what people read

    @Test
    void givenManPages_whenSetAsText_thenWithoutAWarning() throws Exception {
        require("groff");
        for (String each : List.of("man5/bascule.conf.5.gz", "man8/bascule.8.gz")) {
            Ended set =
                    run(
                            "sh",
                            "-c",
                            "zcat \"$1\" | groff -man -Tutf8 -ww -z",
                            "sh",
                            installed("usr/share/man/" + each).toString());
            assertThat(set).as(each).isEqualTo(fine(""));
        }
    }

    @Test
    void givenManPageOfTheFile_whenRead_thenItHoldsEveryKey() throws Exception {
        String page = text("man5/bascule.conf.5.gz");
        Matcher keys =
                Pattern.compile("(?m)^ *#?>? ?([a-z][a-z0-9-]*) *[={]")
                        .matcher(Files.readString(CHECKOUT.resolve("config/bascule.conf")));

        List<String> names = keys.results().map(key -> key.group(1)).distinct().toList();
        assertThat(names).hasSizeGreaterThan(80);
        assertThat(
                        names.stream()
                                .filter(
                                        each ->
                                                !Pattern.compile(
                                                                "(?<![a-z-])" + each + "(?![a-z-])")
                                                        .matcher(page)
                                                        .find()))
                .isEmpty();
    }

    @Test
    void givenManPageOfTheCommand_whenRead_thenItHoldsEveryCommandAndOption() throws Exception {
        String bascule = installed("usr/bin/bascule").toString();
        String page = text("man8/bascule.8.gz");
        String help = run(bascule, "--help").out();
        String list = help.substring(help.indexOf("Commands:"), help.indexOf("Exit codes:"));
        List<String> commands =
                Pattern.compile("(?m)^  ([a-z-]+) ")
                        .matcher(list)
                        .results()
                        .map(each -> each.group(1))
                        .toList();

        assertThat(commands).hasSizeGreaterThan(12).contains("run", "keygen");
        for (String each : commands) {
            assertThat(page).contains("bascule " + each);
            Stream<MatchResult> options =
                    Pattern.compile("--[a-z-]+")
                            .matcher(run(bascule, each, "--help").out())
                            .results();
            assertThat(page).contains(options.map(MatchResult::group).distinct().toList());
        }
    }

    /// As plain text, on one line of single blanks.
    private static String text(String page) throws Exception {
        require("groff");
        Ended set =
                run(
                        "sh",
                        "-c",
                        "zcat \"$1\" | groff -man -Tascii -P-cbou",
                        "sh",
                        installed("usr/share/man/" + page).toString());
        assertThat(set.code()).isZero();
        // In a synopsis commands of one form share a line.
        return set.out()
                .replace("drain|enable|disable", "drain bascule enable bascule disable")
                .replaceAll("\\s+", " ");
    }

    @Test
    void givenCompletion_whenBashLoadsIt_thenItKnowsTheCommands() throws Exception {
        Ended said =
                run(
                        "bash",
                        "-c",
                        ". \"$1\" && complete -p bascule && COMP_WORDS=(bascule hand) COMP_CWORD=1 && _complete_bascule && echo \"${COMPREPLY[*]}\"",
                        "bash",
                        installed("usr/share/bash-completion/completions/bascule").toString());

        assertThat(said.code()).as(said.out()).isZero();
        assertThat(said.out()).contains("bascule\n").endsWith("handover\n");
    }

    // ---- programs

    private static void require(String program) {
        boolean isThere =
                Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
        String line = "not installed: " + program + " (.ci/run installs all peers)";
        if ("true".equals(System.getenv("CI"))) assertThat(isThere).as(line).isTrue();
        assumeThat(isThere).as(line).isTrue();
    }

    private static ProcessBuilder command(String... line) {
        var builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment()
                .keySet()
                .removeIf(key -> key.matches("(JDK_)?JAVA_.*OPTIONS|BASCULE_.*|SOURCE_DATE_EPOCH"));
        builder.environment().put("LC_ALL", "C.UTF-8");
        return builder;
    }

    private static Ended run(String... line) throws Exception {
        return end(command(line));
    }

    private static Ended end(ProcessBuilder builder) throws Exception {
        Path out = Files.createTempFile("package", ".out");
        try {
            Process process = builder.redirectOutput(out.toFile()).start();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(builder.command() + " does not end: " + read(out));
            }
            return new Ended(process.exitValue(), Files.readString(out, UTF_8));
        } finally {
            Files.delete(out);
        }
    }

    /// What each file is, by its path: kind, mode, time and bytes.
    private static SortedMap<String, String> digests(Path tree) throws Exception {
        var all = new TreeMap<String, String>();
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path each : files.toList()) {
                String what =
                        Files.getAttribute(each, "unix:mode", NOFOLLOW_LINKS)
                                + " "
                                + Files.getLastModifiedTime(each, NOFOLLOW_LINKS);
                if (Files.isSymbolicLink(each)) what += " " + Files.readSymbolicLink(each);
                else if (Files.isRegularFile(each))
                    what +=
                            " "
                                    + HexFormat.of()
                                            .formatHex(
                                                    MessageDigest.getInstance("SHA-256")
                                                            .digest(Files.readAllBytes(each)));
                all.put(tree.relativize(each).toString(), what);
            }
        }
        return all;
    }
}
