#include "rtp/picture_requests.hpp"

namespace siprec::rtp {

PictureRequest PictureRequests::on_packet(std::uint32_t ssrc,
                                          std::int64_t lost,
                                          WallTime arrival,
                                          Negotiated negotiated) noexcept {
    if (ssrc_ != ssrc) {
        ssrc_ = ssrc;
        lost_ = lost;
        missing_since_.reset();
        asked_ = arrival;
        if (negotiated.fir) {
            return PictureRequest::Full;
        }
        return negotiated.pli ? PictureRequest::Loss : PictureRequest::None;
    }
    if (lost <= lost_) {
        missing_since_.reset();
        return PictureRequest::None;
    }
    if (!missing_since_) {
        missing_since_ = arrival;
    }
    // RFC 7866 8.1.7.2: PLI tells of loss; FIR is for who cannot do without a full picture.
    if (!negotiated.pli || arrival - *missing_since_ < kPatience || arrival - asked_ < kPause) {
        return PictureRequest::None;
    }
    lost_ = lost;
    missing_since_.reset();
    asked_ = arrival;
    return PictureRequest::Loss;
}

}  // namespace siprec::rtp
