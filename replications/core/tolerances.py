def write(tables, path):
    print(tables)
