#pragma once

#include "api/router.hpp"

namespace siprec::server {

HttpResponse get_page(const Call& call);
HttpResponse get_alive(const Call& call);
HttpResponse get_ready(const Call& call);
HttpResponse get_metrics(const Call& call);
HttpResponse get_status(const Call& call);
HttpResponse get_sessions(const Call& call);
HttpResponse delete_session(const Call& call);
HttpResponse post_session(const Call& call);
HttpResponse post_pause(const Call& call);
HttpResponse post_resume(const Call& call);
HttpResponse post_snapshot(const Call& call);
HttpResponse post_sink(const Call& call);
HttpResponse delete_stream(const Call& call);
HttpResponse get_recordings(const Call& call);
HttpResponse get_recording(const Call& call);
HttpResponse get_audio(const Call& call);
HttpResponse get_capture(const Call& call);
HttpResponse get_capture_part(const Call& call);
HttpResponse get_conversation(const Call& call);
HttpResponse get_video(const Call& call);
HttpResponse get_text(const Call& call);
HttpResponse get_documents(const Call& call);
HttpResponse get_document(const Call& call);

}  // namespace siprec::server
