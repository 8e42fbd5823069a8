/// What a daemon is to its cluster: whether it can serve what a floating IP stands for, and what all nodes shall know alike. Knows of
/// requests only how to make one; nothing here is on a request's path. Called by the daemon and, through it, by the cluster; each class says
/// on which thread.
@NullMarked
package bascule.node;

import org.jspecify.annotations.NullMarked;
