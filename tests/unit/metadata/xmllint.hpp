#pragma once

#include "fixtures.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>
#include <vector>

namespace siprec::metadata::test {

/// xmllint as a child process: a second opinion that shares no code with our parser.
class Xmllint {
  public:
    static bool is_installed() { return run({"--version"}) == 0; }

    static bool accepts(const std::filesystem::path& schema,
                        const std::filesystem::path& document) {
        return run({"--nonet", "--noout", "--schema", schema.string(), document.string()}) == 0;
    }

  private:
    static int run(const std::vector<std::string>& options) {
        const std::filesystem::path catalog = reference_folder() / "schemas" / "catalog.xml";
        std::vector<std::string> words = {
            "env", "XML_CATALOG_FILES=" + catalog.string(), "xmllint"};
        words.insert(words.end(), options.begin(), options.end());
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
        for (const int output : {1, 2}) {
            REQUIRE(posix_spawn_file_actions_addopen(&actions, output, "/dev/null", 1, 0) == 0);
        }
        pid_t child = 0;
        const int spawned =
            posix_spawnp(&child, "env", &actions, nullptr, arguments.data(), environ);
        REQUIRE(posix_spawn_file_actions_destroy(&actions) == 0);
        REQUIRE(spawned == 0);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
};

}  // namespace siprec::metadata::test
