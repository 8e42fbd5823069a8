package bascule.acceptance;

import bascule.harness.Leftover;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// What a bare host consists of: a folder in the cache, made once by mmdebstrap(1) from this machine's own apt sources. Its name
/// tells the release and what is in it, so that another recipe makes another folder; to have it anew, delete it.
final class Image {
    /// What a small server has; nothing of what our package needs beside.
    private static final List<String> PACKAGES =
            List.of(
                    "systemd",
                    "systemd-sysv",
                    "dbus",
                    "iproute2",
                    "iputils-ping",
                    "procps",
                    "ca-certificates",
                    "curl");

    private static final List<String> WITHOUT =
            List.of("/usr/share/locale/*", "/usr/share/doc/*/*", "/usr/share/man/*");

    /// As WITHOUT, and then this: our own documents are installed and looked for.
    private static final String UNHIDE =
            "rm -f \"$1\"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \"$1\"/etc/apt/apt.conf.d/99mmdebstrap";

    private static final String NETWORK = "chroot \"$1\" systemctl enable systemd-networkd";
    private static final int LIMIT_SECONDS = 900;
    private static final String MAKING = ".making-";

    private Image() {}

    /// `${XDG_CACHE_HOME:-~/.cache}/bascule`
    static Path cache() throws IOException {
        String set = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        Path home =
                set.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(set);
        return Files.createDirectories(home.resolve("bascule"));
    }

    /// Makes it if need be; whoever else needs it meanwhile waits.
    static Path of(Release release, Path cache, Consumer<String> say)
            throws IOException, InterruptedException, Unavailable {
        Path image = cache.resolve(name(release));
        try (FileChannel file =
                        FileChannel.open(
                                cache.resolve("lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock _ = file.lock()) {
            if (Files.isDirectory(image)) return image;
            long begun = System.nanoTime();
            say.accept("making the base image of " + release + ", once");
            Path folder = Files.createTempDirectory(cache, MAKING);
            Path root = folder.resolve("root");
            try {
                Shell.Done done = Shell.run(command(release, root), "", LIMIT_SECONDS);
                if (done.exitCode() != 0)
                    throw new Unavailable(
                            "mmdebstrap failed with "
                                    + done.exitCode()
                                    + ": "
                                    + last(done.output()));
                Files.move(root, image, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Leftover.delete(folder);
            }
            say.accept(image + " took " + (System.nanoTime() - begun) / 1_000_000_000 + " s");
        }
        return image;
    }

    /// What runs left half made that were ended: nothing is made for as long as this.
    static void removeUnfinished(Path cache) throws IOException {
        FileTime before = FileTime.from(Instant.now().minusSeconds(2L * LIMIT_SECONDS));
        List<Path> old = new ArrayList<>();
        try (Stream<Path> all = Files.list(cache)) {
            for (Path each : all.toList())
                if (String.valueOf(each.getFileName()).startsWith(MAKING)
                        && Files.getLastModifiedTime(each).compareTo(before) < 0) old.add(each);
        }
        for (Path each : old) Leftover.delete(each);
    }

    private static List<String> command(Release release, Path root)
            throws IOException, InterruptedException {
        AptSources sources = AptSources.of(Path.of("/etc/apt"), codename(), release.codename());
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "unshare", // What it mounts there is never seen here, nor deleted.
                                "--mount",
                                "--propagation=private",
                                "--fork",
                                "--kill-child",
                                "mmdebstrap",
                                "--mode=root",
                                "--variant=minbase",
                                "--include=" + String.join(",", PACKAGES)));
        for (String each : WITHOUT) command.add("--dpkgopt=path-exclude=" + each);
        for (String each : sources.options()) command.add("--aptopt=" + each);
        command.add("--customize-hook=" + NETWORK);
        command.add("--customize-hook=" + UNHIDE);
        command.add(release.codename());
        command.add(root.toString());
        command.addAll(sources.lines());
        return command;
    }

    /// This machine's; Debian 12's where it has none.
    private static String codename() throws IOException {
        for (String line : Files.readAllLines(Path.of("/etc/os-release")))
            if (line.startsWith("VERSION_CODENAME="))
                return line.substring(line.indexOf('=') + 1).replace("\"", "");
        return Release.DEBIAN_12.codename();
    }

    static String name(Release release) {
        String recipe = PACKAGES + " " + WITHOUT + " " + UNHIDE + " " + NETWORK;
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(recipe.getBytes(StandardCharsets.UTF_8));
            return "debian-"
                    + release.number()
                    + "-"
                    + System.getProperty("os.arch")
                    + "-"
                    + HexFormat.of().formatHex(digest, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    private static String last(String output) {
        List<String> lines = output.lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 12), lines.size()));
    }
}
