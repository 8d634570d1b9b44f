/* step.c — see step.h. */
#include "build/step.h"

static const struct field step_fields[] = {
	VALUE(build_step, key),    VALUE(build_step, fresh),   VALUE(build_step, scratch),
	VALUE(build_step, lower),  VALUE(build_step, epoch),   VALUE(build_step, context),
	VALUE(build_step, from),   VALUE(build_step, sources), VALUE(build_step, texts),
	VALUE(build_step, target), VALUE(build_step, owner),   VALUE(build_step, ignore),
	VALUE(build_step, mode),   VALUE(build_step, unpacks), VALUE(build_step, upper),
	VALUE(build_step, stubs),  VALUE(build_step, lives),   VALUE(build_step, mapped),
	VALUE(build_step, name),   VALUE(build_step, config),  VALUE(build_step, layers),
};
const struct table build_step_table = TABLE(build_step, step_fields, "A step of a build.");

static const struct field layer_fields[] = {
	VALUE(built_layer, digest),
	VALUE(built_layer, diff_id),
	VALUE(built_layer, size),
	VALUE(built_layer, cached),
};
const struct table built_layer_table = TABLE(built_layer, layer_fields, "The layer that a step has made.");
