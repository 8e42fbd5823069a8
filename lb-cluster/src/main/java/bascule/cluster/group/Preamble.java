package bascule.cluster.group;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// What both sides of a connection say first, inside TLS and before JGroups does, so that a difference has a name instead of two nodes that
/// never meet:
///
/// ```
/// "BSCL" | version 1 | JGroups 2 | length 1, cluster | length 1, node
/// ```
///
/// and then, where both are of version 2 or newer, whom its file names:
///
/// ```
/// nodes 1 | for each: length 1, node
/// ```
///
/// A newer version may only append: what it appends is framed by what JGroups says, and so has to begin after both know the other's
/// version.
///
/// @param version of what nodes tell each other by the membership
/// @param jgroups as in `org.jgroups.Version`; those that differ in major or minor do not understand each other
record Preamble(int version, short jgroups, String cluster, String node) {
    static final int VERSION = 2;

    /// From this on the names of the nodes follow.
    static final int NAMES_FOLLOW = 2;

    private static final int MAGIC = 0x4253434c;

    byte[] bytes() {
        byte[] clusterName = cluster.getBytes(UTF_8);
        byte[] nodeName = node.getBytes(UTF_8);
        return ByteBuffer.allocate(4 + 1 + 2 + 1 + clusterName.length + 1 + nodeName.length)
                .putInt(MAGIC)
                .put((byte) version)
                .putShort(jgroups)
                .put((byte) clusterName.length)
                .put(clusterName)
                .put((byte) nodeName.length)
                .put(nodeName)
                .array();
    }

    /// Reads not a byte too many.
    ///
    /// @throws EOFException if the other has closed
    /// @throws NoPreamble if it said something else
    static Preamble read(InputStream from) throws IOException {
        var in = new DataInputStream(from);
        if (in.readInt() != MAGIC) throw new NoPreamble();
        int version = in.readUnsignedByte();
        short jgroups = in.readShort();
        return new Preamble(version, jgroups, text(in), text(in));
    }

    static byte[] names(List<String> nodes) {
        var out = new ByteArrayOutputStream();
        out.write(nodes.size());
        for (String each : nodes) {
            byte[] name = each.getBytes(UTF_8);
            out.write(name.length);
            out.writeBytes(name);
        }
        return out.toByteArray();
    }

    /// Reads not a byte too many.
    ///
    /// @throws EOFException if the other has closed
    static List<String> readNames(InputStream from) throws IOException {
        var in = new DataInputStream(from);
        int count = in.readUnsignedByte();
        var names = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) names.add(text(in));
        return List.copyOf(names);
    }

    private static String text(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readUnsignedByte()];
        in.readFully(bytes);
        return new String(bytes, UTF_8);
    }

    static final class NoPreamble extends IOException {
        private static final long serialVersionUID = 1;

        NoPreamble() {
            super("did not begin as a node of a cluster does");
        }
    }
}
