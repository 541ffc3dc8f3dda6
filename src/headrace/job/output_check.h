// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/job/job_spec.h"
#include "headrace/store/object_store.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// Whether an object could be written: an upload in parts of it is begun and given up at once, which
// needs the right to write and leaves no object. kPermissionDenied or kNotFound (no such bucket)
// when it certainly could not; any other failure says nothing, as some stores take no uploads in
// parts. Blocks its thread, which must not be an event loop.
Status CheckWritable(const S3Uri& object, ObjectStore& store, EventLoops& loops,
                     const CallContext& context);

// CheckWritable of the job's outputs. Precondition: the job has an output URI, a valid one.
Status CheckOutputPlace(const JobSpec& spec, ObjectStore& store, EventLoops& loops,
                        const CallContext& context);

}  // namespace headrace::job
