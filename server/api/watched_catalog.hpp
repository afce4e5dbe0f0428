#pragma once

#include "api/services.hpp"

#include <memory>

namespace siprec::server {

/// `catalog`, with what each call shows of its health noted in `health`, which outlives it.
[[nodiscard]] std::unique_ptr<Catalog> watch(std::unique_ptr<Catalog> catalog,
                                             CatalogHealth& health);

}  // namespace siprec::server
