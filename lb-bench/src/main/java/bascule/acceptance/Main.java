package bascule.acceptance;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The command behind `packaging/acceptance`.
final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        System.exit(run(List.of(args)));
    }

    private static int run(List<String> args) throws IOException, InterruptedException {
        if (args.contains("--help") || args.contains("-h")) {
            System.out.print(Options.HELP);
            return 0;
        }
        Path checkout =
                Path.of(System.getProperty("bascule.checkout", ".")).toAbsolutePath().normalize();
        Options options;
        try {
            options = Options.parse(args);
        } catch (Options.Wrong e) {
            System.err.println(e.getMessage() + "; --help says more");
            return 2;
        }
        List<String> missing = Bed.missing();
        if (!missing.isEmpty()) {
            boolean skip = options.inBuild() && !"true".equals(System.getenv("CI"));
            System.err.println(
                    "acceptance: "
                            + (skip ? "left out; missing: " : "missing: ")
                            + String.join(", ", missing));
            return skip ? 0 : 1;
        }
        Bed.sweep();
        try {
            return accept(options, args, checkout);
        } catch (Unavailable e) {
            System.err.println("acceptance: " + e.why());
            return 1;
        }
    }

    private static int accept(Options options, List<String> args, Path checkout)
            throws IOException, InterruptedException, Unavailable {
        Path cache = Image.cache();
        Image.removeUnfinished(cache);
        Packages packages = Packages.of(checkout, cache, options.deb(), options.old(), Main::say);
        List<Release> releases =
                Stream.of(Release.DEBIAN_12, Release.DEBIAN_13)
                        .filter(
                                each ->
                                        options.debian() == 0
                                                ? options.full() || each == Release.DEBIAN_12
                                                : each.number() == options.debian())
                        .toList();
        List<Path> images = new ArrayList<>();
        for (Release each : releases) images.add(Image.of(each, cache, Main::say));
        long begun = System.nanoTime();
        Path folder = Files.createDirectories(checkout.resolve("packaging/target/acceptance"));
        List<Report.Walked> walks = new ArrayList<>();
        for (int i = 0; i < releases.size(); i++) {
            Release release = releases.get(i);
            say(release + ": " + packages.file().getFileName());
            try (Bed bed = Bed.boot(release, images.get(i))) {
                Walk walk =
                        new Walk(
                                bed,
                                release,
                                packages,
                                Extent.of(options, i == 0),
                                folder,
                                Main::say);
                walk.run();
                walks.add(new Report.Walked(release, walk.steps(), walk.figures()));
            }
        }
        long seconds = (System.nanoTime() - begun) / 1_000_000_000;
        String command = ("packaging/acceptance " + String.join(" ", args)).strip();
        String text = Report.text(walks, packages, command, checkout, seconds);
        Path report = checkout.resolve(options.report());
        Files.writeString(report, text);
        say("written: " + report);
        long broken =
                walks.stream()
                        .flatMap(each -> each.steps().stream())
                        .filter(each -> !each.broken().isEmpty())
                        .count();
        say(broken == 0 ? "all bars kept" : broken + " steps broken");
        return broken == 0 ? 0 : 1;
    }

    private static void say(String line) {
        System.out.println(line);
    }
}
