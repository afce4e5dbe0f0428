#include "metadata/xerces_runtime.hpp"

#include "base/mutex.hpp"

#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/XMLException.hpp>

namespace siprec::metadata {

namespace {

struct Runtime {
    base::Mutex mutex;
    bool is_ready SIPREC_GUARDED_BY(mutex) = false;
};

Runtime& runtime() {
    static Runtime instance;
    return instance;
}

}  // namespace

Result<void> require_xerces() {
    Runtime& state = runtime();
    const base::MutexLock lock(state.mutex);
    if (state.is_ready) {
        return {};
    }
    try {
        xercesc::XMLPlatformUtils::Initialize();
    } catch (const xercesc::XMLException&) {
        return Error(ErrorCode::Internal, "Xerces-C does not start");
    }
    state.is_ready = true;
    return {};
}

}  // namespace siprec::metadata
