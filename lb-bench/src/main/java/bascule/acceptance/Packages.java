package bascule.acceptance;

import bascule.harness.Leftover;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The package under test, and an older one to upgrade from: that of the parent commit, built once from a clone in the cache. Where the
/// parent has none, or none of a lower version, it is the package itself with a lower version written on it.
///
/// @param file    the package
/// @param old     the older one
/// @param origin  of the older one, for the report
record Packages(Path file, Path old, String origin) {
    /// Where they are put on a host.
    static final String NEW = "/root/bascule.deb";

    static final String OLD = "/root/bascule-old.deb";

    private static final int BUILD_SECONDS = 900;

    /// Commits whose package is kept in the cache.
    private static final int KEPT = 6;

    private static final String BUILD = "packaging/build";

    /// Builds what is not there.
    ///
    /// @param given the package; empty: it is built
    /// @param older the older one; empty: the parent's
    static Packages of(Path checkout, Path cache, String given, String older, Consumer<String> say)
            throws IOException, InterruptedException, Unavailable {
        Path file = given.isEmpty() ? build(checkout, say) : Path.of(given).toAbsolutePath();
        if (!Files.isRegularFile(file)) throw new Unavailable(file + ": no such package");
        Path kept = Files.createDirectories(cache.resolve("packages"));
        keepOwn(checkout, file, kept);
        if (!older.isEmpty())
            return new Packages(
                    file, Path.of(older).toAbsolutePath(), "as given: " + version(Path.of(older)));
        String parent = git(checkout, "rev-parse", "--verify", "--quiet", "HEAD^{commit}^");
        String why;
        if (parent.isEmpty()) why = "this checkout does not have the parent commit";
        else if (!has(checkout, parent, BUILD)) why = "the parent commit has no package";
        else {
            Path old = kept.resolve(parent + ".deb");
            try {
                if (!Files.exists(old)) buildParent(checkout, parent, cache, old, say);
                if (isLower(old, file))
                    return new Packages(
                            file,
                            old,
                            "package of the parent commit, "
                                    + parent.substring(0, 10)
                                    + ", version "
                                    + version(old));
                why = "the parent commit's version, " + version(old) + ", is not lower";
            } catch (Unavailable e) {
                say.accept(e.why());
                why = "the parent commit's package cannot be built";
            }
        }
        Path relabelled = kept.resolve("relabelled.deb");
        relabel(file, relabelled, cache);
        return new Packages(
                file,
                relabelled,
                "the same package with the lower version " + version(relabelled) + ", for " + why);
    }

    private static Path build(Path checkout, Consumer<String> say)
            throws IOException, InterruptedException, Unavailable {
        say.accept("building the package");
        String output = inFolder(checkout, List.of(checkout.resolve(BUILD).toString()));
        String last = output.strip().lines().reduce((_, each) -> each).orElse("");
        return Path.of(
                last.replaceAll(
                        "\u001b\\[[0-9;]*m", "")); // Maven's colours end without a line's end.
    }

    private static void buildParent(
            Path checkout, String parent, Path cache, Path to, Consumer<String> say)
            throws IOException, InterruptedException, Unavailable {
        say.accept("building the package of the parent commit, once");
        Path folder = Files.createTempDirectory(cache, ".making-");
        try {
            Path clone = folder.resolve("tree");
            Shell.need(
                    List.of(
                            "git",
                            "clone",
                            "--quiet",
                            "--shared",
                            "--no-checkout",
                            checkout.toString(),
                            clone.toString()));
            Shell.need(List.of("git", "-C", clone.toString(), "checkout", "--quiet", parent));
            Path made = build(clone, _ -> {});
            if (!Files.isRegularFile(made))
                throw new Unavailable("the parent's build names no package: " + made);
            Path copy = Files.copy(made, folder.resolve("package.deb"));
            Files.move(copy, to, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Leftover.delete(folder);
        }
    }

    /// So that the next commit finds its parent's; if it is this commit's.
    private static void keepOwn(Path checkout, Path file, Path kept)
            throws IOException, InterruptedException, Unavailable {
        String head = git(checkout, "rev-parse", "HEAD");
        boolean clean = git(checkout, "status", "--porcelain").isEmpty();
        if (head.isEmpty() || !clean || !version(file).endsWith(".g" + head.substring(0, 8)))
            return;
        Path copy = kept.resolve(head + ".deb.new");
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        Files.setLastModifiedTime(copy, FileTime.fromMillis(System.currentTimeMillis()));
        Files.move(copy, kept.resolve(head + ".deb"), StandardCopyOption.ATOMIC_MOVE);
        List<Path> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(kept)) {
            files.filter(each -> each.toString().endsWith(".deb")).forEach(all::add);
        }
        all.sort(Comparator.comparingLong(each -> -each.toFile().lastModified()));
        for (Path each : all.subList(Math.min(KEPT, all.size()), all.size())) Files.delete(each);
    }

    private static boolean has(Path checkout, String commit, String file)
            throws IOException, InterruptedException {
        return Shell.run(
                                List.of(
                                        "git",
                                        "-C",
                                        checkout.toString(),
                                        "cat-file",
                                        "-e",
                                        commit + ":" + file))
                        .exitCode()
                == 0;
    }

    /// @return what it prints; empty if it fails
    private static String git(Path checkout, String... words)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-C", checkout.toString()));
        command.addAll(List.of(words));
        Shell.Done done = Shell.run(command);
        return done.exitCode() == 0 ? done.output().strip() : "";
    }

    private static String inFolder(Path folder, List<String> command)
            throws IOException, InterruptedException, Unavailable {
        List<String> all = new ArrayList<>(List.of("env", "-u", "BASCULE_IN_BUILD", "-C"));
        all.add(folder.toString());
        all.addAll(command);
        Shell.Done done = Shell.run(all, "", BUILD_SECONDS);
        if (done.exitCode() == 0) return done.output();
        List<String> lines = done.output().lines().toList();
        throw new Unavailable(
                String.join(" ", command)
                        + " failed with "
                        + done.exitCode()
                        + ":\n"
                        + String.join(
                                "\n", lines.subList(Math.max(0, lines.size() - 15), lines.size())));
    }

    static String version(Path of) throws IOException, InterruptedException, Unavailable {
        return Shell.need(List.of("dpkg-deb", "--field", of.toString(), "Version")).strip();
    }

    private static boolean isLower(Path one, Path other)
            throws IOException, InterruptedException, Unavailable {
        return Shell.run(List.of("dpkg", "--compare-versions", version(one), "lt", version(other)))
                        .exitCode()
                == 0;
    }

    /// Another version in its control file, nothing else: 0 behind a tilde is lower than any date.
    private static void relabel(Path file, Path to, Path cache)
            throws IOException, InterruptedException, Unavailable {
        Path folder = Files.createTempDirectory(cache, ".making-");
        try {
            Path tree = folder.resolve("tree");
            Shell.need(List.of("dpkg-deb", "-R", file.toString(), tree.toString()));
            Path control = tree.resolve("DEBIAN/control");
            String text = Files.readString(control);
            Files.writeString(
                    control, text.replaceAll("(?m)^Version: *([0-9.]+).*$", "Version: $1~~before"));
            Path made = folder.resolve("package.deb");
            Shell.need(
                    List.of(
                            "dpkg-deb",
                            "--root-owner-group",
                            "-Zgzip",
                            "-z1",
                            "-b",
                            tree.toString(),
                            made.toString()));
            Files.move(
                    made, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Leftover.delete(folder);
        }
        if (!isLower(to, file))
            throw new Unavailable(version(to) + " is not lower than " + version(file));
    }
}
