# fish completion for jvs: jvs completion fish | source, or this file as completions/jvs.fish.

function __jvs_completion
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    set -l program (commandline --tokenize --current-process)[1]
    for row in (env _JVS_COMPLETE=fish_complete _JVS_LINE=$line $program 2>/dev/null </dev/null)
        switch $row
            case file
                __fish_complete_path (commandline --current-token)
            case dir
                __fish_complete_directories (commandline --current-token)
            case '*'
                test -n "$row"; and echo $row
        end
    end
end

complete --command jvs --no-files --keep-order --arguments '(__jvs_completion)'
