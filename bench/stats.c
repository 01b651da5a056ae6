/*
 * stats.c: the floor below every exact answer to "how large are all tables": reads the names of a folder and asks the
 * kernel for the size of each file, and does nothing else. For bench/catalog.
 *
 *     stats FOLDER
 *
 * Prints nothing; its caller takes the time. Ends with 1 when the folder cannot be read or holds no file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int
main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	long long bytes = 0;
	struct dirent *entry;
	struct stat st;

	if (folder == NULL)
	{
		perror(argc == 2 ? argv[1] : "usage: stats FOLDER");
		return 1;
	}
	while ((entry = readdir(folder)) != NULL)
	{
		if (fstatat(dirfd(folder), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			bytes += st.st_size;
	}
	closedir(folder);
	return bytes > 0 ? 0 : 1;
}
