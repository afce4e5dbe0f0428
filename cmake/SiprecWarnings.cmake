# siprec_warnings(<target>): the project's warning flags, private to the target, each
# added only when the compiler knows it.
include(CheckCXXCompilerFlag)

set(_siprec_warning_flags
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
    -Wuseless-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wduplicated-cond -Wlogical-op)

set(_siprec_known_flags "")
foreach(flag IN LISTS _siprec_warning_flags)
  string(MAKE_C_IDENTIFIER "SIPREC_HAS${flag}" variable)
  check_cxx_compiler_flag(${flag} ${variable})
  if(${variable})
    list(APPEND _siprec_known_flags ${flag})
  endif()
endforeach()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  list(APPEND _siprec_known_flags -Wthread-safety)
endif()

function(siprec_warnings target)
  target_compile_options(${target} PRIVATE ${_siprec_known_flags})
  if(SIPREC_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
