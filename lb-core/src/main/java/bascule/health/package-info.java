/// Who is fit to serve: checks, exchanges that failed, and what operators ask for, brought together to one status per server and
/// one set per backend. Knows servers and how to ask them; knows nothing of pools, exchanges or commands. Called by the root
/// package. All of it but [bascule.health.Health]'s own methods is confined to one thread, `health`: the only writer of a
/// status, so that a drain and the result of a check that cross each other cannot overwrite each other.
@NullMarked
package bascule.health;

import org.jspecify.annotations.NullMarked;
