# SIPREC_SANITIZE applies to every target of the build: a mixture of instrumented and plain
# objects reports false races and misses real ones.
if(SIPREC_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(SIPREC_SANITIZE STREQUAL "thread")
  # -Wno-tsan: Boost.Asio has fences that the thread sanitizer does not model, and says so each time.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(NOT SIPREC_SANITIZE STREQUAL "")
  message(FATAL_ERROR "SIPREC_SANITIZE is '${SIPREC_SANITIZE}'; it takes address+undefined or thread")
endif()
