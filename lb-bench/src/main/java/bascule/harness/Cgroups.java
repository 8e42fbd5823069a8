package bascule.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/// Control groups (cgroups(7)): each host needs one of its own in every hierarchy that systemd uses, or two of them meet in one.
/// That is the one hierarchy of version 2 where it stands alone, else it and the one called `systemd` of version 1.
public final class Cgroups {
    private static final String HEAVIEST = "10000";
    private static final String HEAVIEST_SHARES = "262144";

    private static final String ENTER =
            "while [[ $1 != -- ]]; do echo $$ >\"$1/cgroup.procs\"; shift; done; shift; exec \"$@\"";

    private Cgroups() {}

    /// The top folders of these hierarchies on this machine; empty if there are none.
    static List<Path> roots() throws IOException {
        return roots(Files.readAllLines(Path.of("/proc/self/mountinfo")));
    }

    /// @param lines of `/proc/self/mountinfo`: … mount point … `-` type, source, options of the file system
    static List<Path> roots(List<String> lines) {
        List<Path> roots = new ArrayList<>(roots(lines, "name=systemd"));
        roots.addAll(roots(lines, ""));
        return List.copyOf(roots);
    }

    /// @param option of a hierarchy of version 1; empty: that of version 2
    private static List<Path> roots(List<String> lines, String option) {
        List<Path> roots = new ArrayList<>();
        for (String line : lines) {
            int dash = line.indexOf(" - ");
            if (dash < 0) continue;
            String[] mount = line.substring(0, dash).split(" ", -1);
            String[] system = line.substring(dash + 3).split(" ", -1);
            boolean wanted =
                    option.isEmpty()
                            ? system[0].equals("cgroup2")
                            : system[0].equals("cgroup")
                                    && List.of(system[2].split(",")).contains(option);
            if (wanted && mount[3].equals("/")) roots.add(Path.of(mount[4]));
        }
        return List.copyOf(roots);
    }

    /// A group of this name in each of them, that comes before what else this machine does where that can be said: in the hierarchy
    /// of version 1 that weighs CPUs there is one for that alone.
    static List<Path> make(String name) throws IOException {
        List<Path> made = new ArrayList<>();
        for (Path root : roots()) made.add(Files.createDirectories(root.resolve(name)));
        for (Path root : weighing()) made.add(Files.createDirectories(root.resolve(name)));
        for (Path group : made) {
            if (Files.exists(group.resolve("cpu.weight")))
                Files.writeString(group.resolve("cpu.weight"), HEAVIEST);
            if (Files.exists(group.resolve("cpu.shares")))
                Files.writeString(group.resolve("cpu.shares"), HEAVIEST_SHARES);
        }
        return made;
    }

    /// A command, started in these groups; the process becomes the command.
    ///
    /// @param groups none: it is the command itself
    public static List<String> within(List<Path> groups, List<String> command) {
        if (groups.isEmpty()) return command;
        List<String> all = new ArrayList<>(List.of("bash", "-ec", ENTER, "bash"));
        groups.forEach(each -> all.add(each.toString()));
        all.add("--");
        all.addAll(command);
        return all;
    }

    private static List<Path> weighing() throws IOException {
        return roots(Files.readAllLines(Path.of("/proc/self/mountinfo")), "cpu");
    }

    /// Kills all in the groups whose name begins so.
    static void killAll(String prefix) throws IOException {
        for (Path group : groups(roots(), prefix)) {
            List<Path> lists = new ArrayList<>();
            try (Stream<Path> files = Files.walk(group)) {
                files.filter(each -> each.endsWith("cgroup.procs")).forEach(lists::add);
            } catch (UncheckedIOException _) {
                // A group went meanwhile.
            }
            for (Path list : lists) {
                try {
                    for (String pid : Files.readAllLines(list))
                        Native.kill(Long.parseLong(pid), Native.SIGKILL);
                } catch (IOException _) {
                    // It went meanwhile.
                }
            }
        }
    }

    /// The groups whose name begins so, with all in them; they have to be without processes.
    static void remove(String prefix) throws IOException {
        for (Path group : groups(roots(), prefix)) removeTree(group);
        for (Path group : groups(weighing(), prefix)) removeTree(group);
    }

    private static List<Path> groups(List<Path> roots, String prefix) throws IOException {
        List<Path> all = new ArrayList<>();
        for (Path root : roots) all.addAll(folders(root, prefix));
        return all;
    }

    private static List<Path> folders(Path of, String prefix) throws IOException {
        try (Stream<Path> all = Files.list(of)) {
            return all.filter(each -> String.valueOf(each.getFileName()).startsWith(prefix))
                    .filter(each -> Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
    }

    private static void removeTree(Path group) throws IOException {
        for (Path each : folders(group, "")) removeTree(each);
        Files.delete(group); // rmdir(2): the files in it go with it.
    }

    /// Why groups cannot be made here; empty if they can.
    public static String missing() throws IOException {
        if (roots().isEmpty()) return "control groups of systemd's";
        String probe = "bascule-probe-" + ThreadLocalRandom.current().nextInt(10_000, 100_000);
        try {
            make(probe);
            remove(probe);
            return "";
        } catch (IOException e) {
            return "the right to make control groups (" + e.getMessage() + ")";
        }
    }
}
