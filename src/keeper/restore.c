/* restore.c — whether the pod comes back after a boot (sandbox/note.h).
 *
 * The note is written a second after the start, when nobody waits for it any more: who loses power in that second has to apply again.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "sandbox/note.h"

void restore_note(struct keeper *k)
{
	const struct object_meta *meta = &k->pod->metadata;
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct launch launch = *k->launch;
	struct error err = {};

	k->noted = text_is(k->pod->spec.restartPolicy, "Always") && !launch.remove && !k->ending;
	if (!k->noted) { /* of a pod of the same name before */
		note_remove(&k->in, meta->namespace, meta->name);
		return;
	}
	launch.hold = false;
	launch.pod.status = (struct pod_status){};
	node_to_json(object_encode(&launch_table, &launch, a), false, &text);
	if (note_put(&k->in, meta->namespace, meta->name, text.at, text.n, &err) < 0)
		log_warning("after a boot the pod will not come back: %s", err.text);
}

void restore_forget(struct keeper *k)
{
	const struct object_meta *meta = &k->pod->metadata;

	if (!k->machine_ends)
		note_remove(&k->in, meta->namespace, meta->name);
}
