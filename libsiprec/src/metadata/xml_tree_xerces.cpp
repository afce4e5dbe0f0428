#include "metadata/text.hpp"
#include "metadata/xerces_runtime.hpp"
#include "metadata/xml_tree.hpp"

#include <fmt/format.h>
#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/sax/SAXParseException.hpp>
#include <xercesc/sax2/Attributes.hpp>
#include <xercesc/sax2/DefaultHandler.hpp>
#include <xercesc/sax2/SAX2XMLReader.hpp>
#include <xercesc/sax2/XMLReaderFactory.hpp>
#include <xercesc/util/SecurityManager.hpp>
#include <xercesc/util/XMLException.hpp>
#include <xercesc/util/XMLUni.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::metadata {

namespace {

constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";

/// The code point at `at`, which moves behind it; a lone surrogate becomes U+FFFD.
char32_t next_code_point(const XMLCh* text, std::size_t length, std::size_t& at) {
    const char32_t unit = text[at++];
    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }
    if (unit <= 0xDBFF && at < length && text[at] >= 0xDC00 && text[at] <= 0xDFFF) {
        const char32_t low = text[at++];
        return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    return 0xFFFD;
}

void append_code_point(std::string& out, char32_t code) {
    const auto trail = [&](int shift) {
        out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
    };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        trail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        trail(6);
        trail(0);
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        trail(12);
        trail(6);
        trail(0);
    }
}

/// Nearly all of a document is ASCII: that is copied without looking at code points.
void append_utf8(std::string& out, const XMLCh* text, std::size_t length) {
    const std::size_t start = out.size();
    out.resize(start + length);
    std::size_t i = 0;
    while (i < length && text[i] < 0x80) {
        out[start + i] = static_cast<char>(text[i]);
        ++i;
    }
    out.resize(start + i);
    while (i < length) {
        append_code_point(out, next_code_point(text, length, i));
    }
}

std::string to_utf8(const XMLCh* text) {
    std::string out;
    append_utf8(out, text, std::char_traits<XMLCh>::length(text));
    return out;
}

/// Ends a parse from inside a handler; never leaves this file.
struct Stop {
    ErrorCode code;
    std::string message;
};

/// Builds the tree from SAX events. Names are resolved here and not by Xerces, for which a prefix
/// that nobody declared is fatal.
class TreeBuilder final : public xercesc::DefaultHandler {
  public:
    void begin(const ParseLimits& limits, Findings& findings) {
        limits_ = &limits;
        findings_ = &findings;
        elements_ = 0;
        open_.clear();
        bindings_.clear();
        root_.reset();
    }

    [[nodiscard]] std::optional<XmlElement> take_root() { return std::exchange(root_, {}); }

    [[nodiscard]] bool has_root() const { return root_.has_value(); }

    void startElement(const XMLCh* /*uri*/,
                      const XMLCh* /*local*/,
                      const XMLCh* qualified_name,
                      const xercesc::Attributes& attributes) override {
        if (open_.size() >= limits_->max_depth) {
            throw Stop{ErrorCode::LimitExceeded,
                       fmt::format("metadata nested deeper than {}", limits_->max_depth)};
        }
        if (++elements_ > limits_->max_elements) {
            throw Stop{ErrorCode::LimitExceeded,
                       fmt::format("metadata with more than {} elements", limits_->max_elements)};
        }
        Open& open = open_.emplace_back();
        open.bindings_before = bindings_.size();
        open.element.attributes.reserve(attributes.getLength());
        add_attributes(open.element, attributes);
        const std::string name = to_utf8(qualified_name);
        open.element.name = local_part(name);
        open.element.name_space = resolve(name);
    }

    void endElement(const XMLCh* /*uri*/,
                    const XMLCh* /*local*/,
                    const XMLCh* /*qualified_name*/) override {
        Open done = std::move(open_.back());
        open_.pop_back();
        bindings_.resize(done.bindings_before);
        trim(done.element.text);
        if (open_.empty()) {
            root_ = std::move(done.element);
        } else {
            open_.back().element.children.push_back(std::move(done.element));
        }
    }

    void characters(const XMLCh* text, XMLSize_t length) override {
        if (open_.empty()) {
            return;
        }
        // Indentation is most of the character data; it is not worth keeping until it is trimmed.
        std::string& own = open_.back().element.text;
        const bool blank = std::all_of(text, text + length, [](XMLCh c) {
            return c == u' ' || c == u'\n' || c == u'\r' || c == u'\t';
        });
        if (!own.empty() || !blank) {
            append_utf8(own, text, length);
        }
    }

    void fatalError(const xercesc::SAXParseException& problem) override {
        throw Stop{ErrorCode::Malformed,
                   fmt::format("{} (line {}, column {})",
                               to_utf8(problem.getMessage()),
                               problem.getLineNumber(),
                               problem.getColumnNumber())};
    }

    void error(const xercesc::SAXParseException& problem) override { fatalError(problem); }

    void warning(const xercesc::SAXParseException& /*problem*/) override {}

  private:
    struct Open {
        XmlElement element;
        std::size_t bindings_before = 0;
    };

    static constexpr std::size_t kMaxBindings = 128;
    static constexpr std::size_t kMaxNamespace = 256;

    struct Binding {
        std::string prefix;
        std::string name_space;
    };

    void add_attributes(XmlElement& element, const xercesc::Attributes& attributes) {
        const XMLSize_t count = attributes.getLength();
        for (XMLSize_t i = 0; i < count; ++i) {
            const std::string name = to_utf8(attributes.getQName(i));
            std::string value = to_utf8(attributes.getValue(i));
            if (name == "xmlns") {
                bind({}, std::move(value));
            } else if (name.starts_with("xmlns:")) {
                bind(name.substr(6), std::move(value));
            } else if (!name.starts_with("xsi:")) {
                element.attributes.emplace_back(local_part(name), std::move(value));
            }
        }
    }

    /// Every element is searched for, and carries a copy of, its namespace: both stay small, or a
    /// short document could cost much time and memory.
    void bind(std::string prefix, std::string name_space) {
        if (bindings_.size() >= kMaxBindings || name_space.size() > kMaxNamespace) {
            throw Stop{ErrorCode::LimitExceeded,
                       fmt::format("more than {} namespaces in scope, or one longer than {} bytes",
                                   kMaxBindings,
                                   kMaxNamespace)};
        }
        bindings_.push_back({std::move(prefix), std::move(name_space)});
    }

    std::string resolve(std::string_view qualified_name) {
        const std::size_t colon = qualified_name.find(':');
        const std::string_view prefix =
            colon == std::string_view::npos ? std::string_view{} : qualified_name.substr(0, colon);
        const auto found =
            std::find_if(bindings_.rbegin(), bindings_.rend(), [&](const Binding& binding) {
                return binding.prefix == prefix;
            });
        if (found != bindings_.rend()) {
            return found->name_space;
        }
        if (prefix == "xml") {
            return std::string(kXmlNamespace);
        }
        if (!prefix.empty()) {
            findings_->add("unbound-prefix", fmt::format("prefix '{}' is not declared", prefix));
        }
        return {};
    }

    const ParseLimits* limits_ = nullptr;
    Findings* findings_ = nullptr;
    std::size_t elements_ = 0;
    std::vector<Open> open_;
    std::vector<Binding> bindings_;
    std::optional<XmlElement> root_;
};

/// Xerces allocates some 150 KiB of buffers a document, which the C library would map and unmap
/// each time; the large blocks of the last document are kept for the next. *Owner thread only.*
class BlockCache final : public xercesc::MemoryManager {
  public:
    BlockCache() = default;
    BlockCache(const BlockCache&) = delete;
    BlockCache& operator=(const BlockCache&) = delete;

    ~BlockCache() override {
        for (const Block& block : free_) {
            ::operator delete(block.memory);
        }
    }

    xercesc::MemoryManager* getExceptionMemoryManager() override {
        return xercesc::XMLPlatformUtils::fgMemoryManager;
    }

    void* allocate(XMLSize_t size) override {
        if (size < kLarge) {
            return ::operator new(size);
        }
        const auto found = std::find_if(
            free_.begin(), free_.end(), [&](const Block& block) { return block.size == size; });
        if (found != free_.end()) {
            used_.push_back(*found);
            free_.erase(found);
            return used_.back().memory;
        }
        used_.push_back({::operator new(size), size});
        return used_.back().memory;
    }

    void deallocate(void* memory) override {
        const auto found = std::find_if(
            used_.begin(), used_.end(), [&](const Block& block) { return block.memory == memory; });
        if (found == used_.end()) {
            ::operator delete(memory);
            return;
        }
        free_.push_back(*found);
        used_.erase(found);
    }

  private:
    static constexpr std::size_t kLarge = std::size_t{32} * 1024;

    struct Block {
        void* memory;
        std::size_t size;
    };

    std::vector<Block> free_;
    std::vector<Block> used_;
};

/// A parser and its handler. *Owner thread only.*
class Reader {
  public:
    Reader() {
        using xercesc::XMLUni;
        // The scanner that only checks well-formedness: it knows no DTD, no schema and no entity
        // but the five of XML itself. The features say the same again for whatever scanner is in
        // use.
        parser_->setProperty(XMLUni::fgXercesScannerName,
                             // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): only read.
                             const_cast<XMLCh*>(XMLUni::fgWFXMLScanner));
        parser_->setProperty(XMLUni::fgXercesSecurityManager, &security_);
        parser_->setFeature(XMLUni::fgSAX2CoreValidation, false);
        parser_->setFeature(XMLUni::fgSAX2CoreNameSpaces, false);
        parser_->setFeature(XMLUni::fgXercesDynamic, false);
        parser_->setFeature(XMLUni::fgXercesSchema, false);
        parser_->setFeature(XMLUni::fgXercesLoadExternalDTD, false);
        parser_->setFeature(XMLUni::fgXercesDisableDefaultEntityResolution, true);
        parser_->setFeature(XMLUni::fgXercesContinueAfterFatalError, false);
        parser_->setContentHandler(&builder_);
        parser_->setErrorHandler(&builder_);
        parser_->setEntityResolver(&builder_);
    }

    Result<XmlElement> read(std::string_view utf8, const ParseLimits& limits, Findings& findings) {
        builder_.begin(limits, findings);
        // Xerces counts the five entities of XML too: as many as fit in, but none that multiplies.
        security_.setEntityExpansionLimit(limits.max_bytes);
        xercesc::MemBufInputSource source(
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the bytes of a char
            // array.
            reinterpret_cast<const XMLByte*>(utf8.data()),
            utf8.size(),
            u"metadata",
            false,
            &memory_);
        source.setCopyBufToStream(false);
        source.setEncoding(u"UTF-8");
        try {
            parser_->parse(source);
        } catch (const Stop& stop) {
            if (!builder_.has_root() || stop.code != ErrorCode::Malformed) {
                return Error(stop.code, stop.message);
            }
            findings.add("trailing-junk", "text behind the root element: " + stop.message);
        } catch (const xercesc::XMLException& problem) {
            return Error(ErrorCode::Malformed, to_utf8(problem.getMessage()));
        } catch (const xercesc::SAXException& problem) {
            return Error(ErrorCode::Malformed, to_utf8(problem.getMessage()));
        }
        auto root = builder_.take_root();
        if (!root) {
            return Error(ErrorCode::Malformed, "no root element");
        }
        return std::move(*root);
    }

  private:
    BlockCache memory_;
    xercesc::SecurityManager security_;
    TreeBuilder builder_;
    std::unique_ptr<xercesc::SAX2XMLReader> parser_{
        xercesc::XMLReaderFactory::createXMLReader(&memory_)};
};

/// A larger document than this leaves its parser's tables too large to keep for the thread's life.
constexpr std::size_t kKeepParserBelow = std::size_t{64} * 1024;

}  // namespace

Result<XmlElement> read_tree(std::string_view utf8, const ParseLimits& limits, Findings& findings) {
    if (auto ready = require_xerces(); !ready) {
        return ready.error();
    }
    thread_local std::unique_ptr<Reader> reader;
    if (!reader) {
        reader = std::make_unique<Reader>();
    }
    auto root = reader->read(utf8, limits, findings);
    if (utf8.size() >= kKeepParserBelow) {
        reader.reset();
    }
    return root;
}

}  // namespace siprec::metadata
