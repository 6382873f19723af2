# Completion of mvc for fish. mvc says what the word could become; nothing of that is evaluated.

function __mvc_complete
    set -l words (commandline -opc)
    command mvc __complete fish $words[2..-1] (commandline -ct) 2>/dev/null
end

complete --command mvc --no-files --arguments '(__mvc_complete)'
