package bascule.acceptance;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// All that a host has that a package may leave behind: files, users, groups, packages, units, sockets. One line each.
record Listing(Set<String> lines) {
    private static final String SCRIPT =
            """
            find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\
                -o -path /var/lib/dpkg -o -path /var/log/journal \\) -prune -o -printf 'file %p %y %l\\n'
            find /run /dev/shm /var/tmp /tmp -iname '*bascule*' -printf 'file %p %y\\n' 2>/dev/null || true
            getent passwd | sed 's/^/user /'
            getent group | sed 's/^/group /'
            dpkg-query -W -f 'package ${Package} ${db:Status-Abbrev}\\n'
            find /var/lib/dpkg -iname '*bascule*' -printf 'file %p\\n'
            systemctl list-unit-files --no-legend --no-pager --plain | awk '{print "unit-file " $1 " " $2}'
            systemctl list-units --all --no-legend --no-pager --plain '*bascule*' | sed 's/^/unit /'
            ss -Hlntu | awk '{print "socket " $1 " " $5}'
            ss -Hlx | awk '$5 ~ /bascule/ {print "socket " $5}'
            ip -o addr show | awk '{print "address " $2 " " $4}'
            """;

    /// What dpkg(1) and sysusers.d(5) keep for themselves whatever package came and went.
    private static final Pattern OF_THE_HOST =
            Pattern.compile(
                    "file (/var/log/(dpkg|alternatives)\\.log"
                            + "|/etc/(\\.pwd\\.lock|(passwd|group|shadow|gshadow)-)"
                            + "|/var/cache/ldconfig/aux-cache|/var/lib/systemd/.*timer.*"
                            + "|/var/log/journal.*|/var/tmp/systemd-private-.*|/etc/ld\\.so\\.cache) .*");

    Listing {
        lines = Set.copyOf(lines);
    }

    static Listing of(Edge edge) throws IOException, InterruptedException, Unavailable {
        return new Listing(new TreeSet<>(edge.sh(SCRIPT).lines().toList()));
    }

    /// What this one has and the other has not, and the other way round, with `+` and `-`.
    List<String> since(Listing before) {
        List<String> all = new ArrayList<>();
        for (String each : new TreeSet<>(lines))
            if (!before.lines.contains(each) && !OF_THE_HOST.matcher(each).matches())
                all.add("+ " + each.strip());
        for (String each : new TreeSet<>(before.lines))
            if (!lines.contains(each) && !OF_THE_HOST.matcher(each).matches())
                all.add("- " + each.strip());
        return all;
    }
}
